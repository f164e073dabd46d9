import {
  defaultRequestParameters,
  type InferRequestMessage,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import { Cancellation } from '../../core/cancellation.ts';
import type { InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { HttpCall } from '../http/http-route.ts';
import { sendJson } from '../http/replies.ts';
import { inferTraced, tracedCall } from '../http/traced-call.ts';
import { type EmbeddingModel, embeddingModelOf } from './embedding-model.ts';
import {
  type EmbeddingInput,
  type EmbeddingRequest,
  readEmbeddingRequest,
} from './embedding-request.ts';
import { vectorsOf } from './embedding-vectors.ts';
import { readCount } from './model-answer.ts';
import { readRequest } from './read-request.ts';
import { numbersTensor, stringsBatch, stringsTensor } from './slot-tensor.ts';

/** Inferences of one request that are under way at the same time. */
const inferencesMax = 8;

/** `POST /v1/embeddings`. @throws TritonError for a request that is refused. */
export async function embeddings(plainCall: HttpCall): Promise<void> {
  const { context } = plainCall;
  const fields = await readRequest(plainCall);
  const model = context.dataPlane.model(fields.requiredText('model'), null);
  const description = embeddingModelOf(model);
  const request = readEmbeddingRequest(fields, description);
  const call = tracedCall(plainCall, model.key.name);
  // Between its inferences, too, the model must not go.
  model.retain();
  try {
    await new EmbeddingCall(call, model, description, request).run();
  } catch (failure) {
    call.traced?.close();
    throw failure;
  } finally {
    model.release();
  }
}

/** The inferences of one request, and their vectors. */
class EmbeddingCall {
  readonly #call: HttpCall;
  readonly #model: ServedModel;
  readonly #description: EmbeddingModel;
  readonly #request: EmbeddingRequest;
  readonly #cancellation = new Cancellation();
  readonly #vectors: Float32Array[] = [];
  #promptTokens = 0;
  #next = 0;

  constructor(
    call: HttpCall,
    model: ServedModel,
    description: EmbeddingModel,
    request: EmbeddingRequest,
  ) {
    this.#call = call;
    this.#model = model;
    this.#description = description;
    this.#request = request;
  }

  /** @throws TritonError when one of the inferences fails. */
  async run(): Promise<void> {
    this.#call.request.onAborted(() => this.#cancellation.cancel());
    try {
      await Promise.all(Array.from({ length: inferencesMax }, () => this.#work()));
    } catch (failure) {
      this.#cancellation.cancel();
      throw failure;
    }
    this.#answer();
  }

  /** Takes texts until none are left. */
  async #work(): Promise<void> {
    const { inputs } = this.#request;
    while (this.#next < inputs.length && !this.#cancellation.cancelled) {
      const first = this.#next;
      this.#next += this.#description.textsMax;
      const texts = inputs.slice(first, this.#next);
      const outputs = await this.#infer(texts);
      const vectors = vectorsOf(this.#description, outputs, texts.length);
      for (const [i, vector] of vectors.entries()) this.#vectors[first + i] = vector;
      this.#promptTokens += readCount(outputs, 'num_input_tokens') ?? 0;
    }
  }

  #infer(texts: readonly EmbeddingInput[]): Promise<readonly Tensor[]> {
    return new Promise((resolve, reject) => {
      const { headerForwarding } = this.#call.context;
      const message: InferRequestMessage = {
        id: '',
        parameters:
          headerForwarding === null
            ? defaultRequestParameters
            : headerForwarding.forward(defaultRequestParameters, this.#call.request.headers()),
        inputs: this.#inputs(texts),
        rawInput: null,
        outputs: [],
      };
      const sink = new OneAnswer(resolve, reject);
      const { traced: _, ...untraced } = this.#call;
      // One trace tells of one inference: of the first.
      const call = this.#next <= this.#description.textsMax ? this.#call : untraced;
      inferTraced(call, this.#model, message, this.#cancellation, sink);
    });
  }

  #inputs(texts: readonly EmbeddingInput[]): Tensor[] {
    const { input, inputs, json, batched } = this.#description;
    const strings = json ? texts.map((text) => this.#json(text)) : (texts as readonly string[]);
    const tensors = [batched ? stringsBatch(input, strings) : stringsTensor(input, strings)];
    // vLLM's backend takes texts to go on with too, by an input that may not be left out.
    const text = json ? inputs.get('text_input') : undefined;
    if (text?.dataType === 'BYTES') tensors.push(stringsTensor(text, ['']));
    for (const name of ['return_num_input_tokens', 'return_num_output_tokens']) {
      const slot = inputs.get(name);
      if (slot?.dataType === 'BOOL') tensors.push(numbersTensor(slot, [true]));
    }
    return tensors;
  }

  /** `embedding_request` of vLLM's backend. */
  #json(input: EmbeddingInput): string {
    const { dimensions } = this.#request;
    const pooling = dimensions === null ? {} : { dimensions: [dimensions] };
    return JSON.stringify({ input, pooling_params: pooling });
  }

  #answer(): void {
    const data = this.#vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: this.#request.base64 ? base64Of(vector) : Array.from(vector),
    }));
    // Clients count on this member; a model that does not count has none.
    const usage = { prompt_tokens: this.#promptTokens, total_tokens: this.#promptTokens };
    sendJson(this.#call.responder, { object: 'list', data, model: this.#model.key.name, usage });
  }
}

/** Resolves with the outputs of the one answer. */
class OneAnswer implements ResponseSink {
  readonly #resolve: (outputs: readonly Tensor[]) => void;
  readonly #reject: (error: TritonError) => void;
  #outputs: readonly Tensor[] | null = null;

  constructor(resolve: (outputs: readonly Tensor[]) => void, reject: (error: TritonError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  respond(response: InferResponse | null, final: boolean): void {
    // Its memory is used again once this returns and the answer is final.
    this.#outputs ??=
      response?.outputs.map((output) => ({ ...output, data: output.data.slice() })) ?? null;
    if (!final) return;
    if (this.#outputs !== null) this.#resolve(this.#outputs);
    else this.#reject(new TritonError('INTERNAL', 'the model answered with no embedding'));
  }

  fail(error: TritonError): void {
    this.#reject(error);
  }
}

function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}
