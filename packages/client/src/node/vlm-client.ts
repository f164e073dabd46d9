import { readFile } from 'node:fs/promises';
import type { CallOptions, ParameterValue } from '../infer-request.ts';
import { tensor } from '../tensor/tensor.ts';
import type { TlsClientOptions } from './endpoint.ts';
import { GrpcClient } from './grpc-client.ts';
import { HttpClient } from './http-client.ts';

/** A file of a PNG or JPEG picture, or what is in it. */
export type PictureSource = string | URL | Uint8Array;

export interface VlmClientOptions {
  /** `localhost:8000` by default, `localhost:8001` over gRPC. */
  readonly url?: string;
  /** Default `http`. */
  readonly protocol?: 'http' | 'grpc';
  /** How long to wait for an answer. Default ten minutes: the first request for a model waits until it is loaded. */
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: TlsClientOptions;
}

/** What can be said about a question, and its call. */
export interface VlmOptions extends CallOptions {
  /** Tokens of the answer, at most. Default: what the model's configuration says. */
  readonly maxTokens?: number;
  /** From 0, always the likeliest word and the default, to 2. */
  readonly temperature?: number;
  /** With a temperature: words are chosen from the likeliest, which together have this probability. */
  readonly topP?: number;
}

const timeoutMsDefault = 600_000;

/**
 * Asks vision-language models: those with inputs `image` (UINT8, the bytes of a file) and `prompt` (STRING) and the
 * output `generated_text` (STRING).
 */
export class TritonVLMClient {
  readonly #client: HttpClient | GrpcClient;
  /** Whether models answer piece by piece, as far as that is known. */
  readonly #decoupled = new Map<string, boolean>();

  constructor(options: VlmClientOptions = {}) {
    const { protocol = 'http', url, timeoutMs = timeoutMsDefault, headers, tls } = options;
    const given = {
      timeoutMs,
      ...(headers === undefined ? {} : { headers }),
      ...(tls === undefined ? {} : { tls }),
    };
    this.#client =
      protocol === 'grpc'
        ? new GrpcClient(url ?? 'localhost:8001', given)
        : new HttpClient(url ?? 'localhost:8000', given);
  }

  /**
   * The whole text.
   * @throws InferenceError with the server's words; what reading the file fails with
   */
  async infer(
    modelName: string,
    image: PictureSource,
    prompt: string,
    options: VlmOptions = {},
  ): Promise<string> {
    const picture = await pictureOf(image);
    if (await this.#isDecoupled(modelName, options)) {
      let text = '';
      for await (const piece of this.#stream(modelName, picture, prompt, options)) text += piece;
      return text;
    }
    const { signal, timeoutMs, headers } = options;
    const result = await this.#client.infer(modelName, inputsOf(picture, prompt), {
      parameters: parametersOf(options),
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(headers === undefined ? {} : { headers }),
    });
    return result.output('generated_text', 'BYTES').strings()[0] ?? '';
  }

  /**
   * The text piece by piece, as a model that answers so generates it; by others in one piece. Ending the iteration
   * ends the generation.
   */
  async *stream(
    modelName: string,
    image: PictureSource,
    prompt: string,
    options: VlmOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    yield* this.#stream(modelName, await pictureOf(image), prompt, options);
  }

  /** Whether the server, or a model of it, takes requests. */
  isReady(modelName?: string): Promise<boolean> {
    return modelName === undefined
      ? this.#client.isServerReady()
      : this.#client.isModelReady(modelName);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async *#stream(
    modelName: string,
    picture: Uint8Array,
    prompt: string,
    options: VlmOptions,
  ): AsyncGenerator<string, void, undefined> {
    const parameters = parametersOf(options);
    if (this.#client instanceof GrpcClient) {
      const call = { ...options, parameters };
      const answers = this.#client.inferStream(modelName, inputsOf(picture, prompt), call);
      for await (const answer of answers) {
        if (answer.outputs.size === 0) continue;
        yield answer.output('generated_text', 'BYTES').strings()[0] ?? '';
      }
      return;
    }
    const fields = { image: [...picture], prompt, ...parameters };
    for await (const event of this.#client.generateStream(modelName, fields, options)) {
      yield String(event['generated_text'] ?? '');
    }
  }

  async #isDecoupled(modelName: string, options: CallOptions): Promise<boolean> {
    const known = this.#decoupled.get(modelName);
    if (known !== undefined) return known;
    const config = (await this.#client.modelConfig(modelName, undefined, options)) as {
      readonly model_transaction_policy?: { readonly decoupled?: boolean } | null;
    };
    const decoupled = config.model_transaction_policy?.decoupled === true;
    this.#decoupled.set(modelName, decoupled);
    return decoupled;
  }
}

async function pictureOf(image: PictureSource): Promise<Uint8Array> {
  return image instanceof Uint8Array ? image : readFile(image);
}

function inputsOf(picture: Uint8Array, prompt: string) {
  return {
    image: tensor('UINT8', [picture.length], picture),
    prompt: tensor('BYTES', [1], [prompt]),
  };
}

function parametersOf({
  maxTokens,
  temperature,
  topP,
}: VlmOptions): Record<string, ParameterValue> {
  return {
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
  };
}
