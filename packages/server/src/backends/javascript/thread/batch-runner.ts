import type { InferenceResponse, Model, ModelContext } from '@nereid/model';
import type { WireResponse } from '../../worker/worker-message.ts';
import { errorText, executeError, isTritonError } from './error-text.ts';
import type { GivenRequest } from './given-request.ts';
import type { EncodedResponse, OutputRules } from './output-rules.ts';
import { ResponseStream } from './response-stream.ts';
import type { ServerPort } from './server-port.ts';

/** The instance has been given other requests meanwhile. */
const tooLateError = {
  code: 'INTERNAL',
  message: 'a model that executes several batches at once cannot give a request back',
} as const;

export interface BatchRunnerParts {
  readonly model: Model;
  readonly context: ModelContext;
  readonly rules: OutputRules;
  readonly decoupled: boolean;
  /** Batches that may be under way at once. */
  readonly concurrentBatches: number;
  readonly port: ServerPort;
}

/** Has the model execute what the server sends, and sends its responses. */
export class BatchRunner {
  readonly #parts: BatchRunnerParts;
  readonly #open = new Map<number, GivenRequest>();
  readonly #streams = new Map<number, ResponseStream>();
  /** Batches under way, and what frees the instance of those that the server waits for. */
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(parts: BatchRunnerParts) {
    this.#parts = parts;
  }

  execute(batch: number, requests: readonly GivenRequest[]): void {
    this.#running++;
    if (this.#parts.decoupled) void this.#runDecoupled(batch, requests);
    else this.#run(batch, requests);
  }

  /** Nobody waits for the answer of this request any more. */
  cancel(request: number): void {
    this.#open.get(request)?.cancel();
    this.#streams.get(request)?.wake();
  }

  /** The server has taken what this request's model sent so far. */
  acknowledge(request: number): void {
    this.#streams.get(request)?.acknowledged();
  }

  /** One response a request, at once or by a promise. */
  #run(batch: number, requests: readonly GivenRequest[]): void {
    const { model, context } = this.#parts;
    try {
      const returned: unknown = model.execute(requests, context);
      if (!isThenable(returned)) {
        this.#answer(batch, requests, returned);
        return;
      }
      this.#opened(requests);
      const early = this.#freedEarly(batch, requests);
      returned.then(
        (responses) => this.#answer(early() ? null : batch, requests, responses),
        (thrown: unknown) => this.#fail(early() ? null : batch, requests, thrown),
      );
    } catch (thrown) {
      this.#fail(batch, requests, thrown);
    }
  }

  async #runDecoupled(batch: number, requests: readonly GivenRequest[]): Promise<void> {
    this.#opened(requests);
    const early = this.#freedEarly(batch, requests);
    const { model, context, rules, port } = this.#parts;
    const responses = await Promise.all(
      requests.map(async (request) => {
        const stream = new ResponseStream({ request, model, context, rules, port });
        this.#streams.set(request.number, stream);
        const end = await stream.run();
        this.#streams.delete(request.number);
        if (end === null || !early()) return end;
        port.post({
          kind: 'send',
          request: request.number,
          final: true,
          response: { error: tooLateError },
        });
        return null;
      }),
    );
    if (!early()) port.post({ kind: 'result', batch, error: null, responses });
    this.#ended(requests);
  }

  /**
   * Frees the instance before its batch is through, where the model takes several at once.
   * @returns what ends that, and tells whether it has happened
   */
  #freedEarly(batch: number, requests: readonly GivenRequest[]): () => boolean {
    let freed = false;
    let over = false;
    const free = (): void => {
      if (over) return;
      freed = true;
      this.#freed(batch, requests);
    };
    if (this.#parts.concurrentBatches > 1) {
      if (this.#running < this.#parts.concurrentBatches) free();
      else this.#waiting.push(free);
    }
    return () => {
      over = true;
      return freed;
    };
  }

  /** The instance may be given the next batch; the answers of this one come, or came, on their own. */
  #freed(batch: number, requests: readonly GivenRequest[]): void {
    const responses = requests.map(() => null);
    this.#parts.port.post({ kind: 'result', batch, error: null, responses });
  }

  /** From now on they can be cancelled: what is answered at once never is. */
  #opened(requests: readonly GivenRequest[]): void {
    for (const request of requests) this.#open.set(request.number, request);
  }

  #ended(requests: readonly GivenRequest[]): void {
    if (this.#open.size > 0) for (const { number } of requests) this.#open.delete(number);
    this.#running--;
    this.#parts.port.batchEnded();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const free of waiting) free();
  }

  /** @param batch Null when the server does not wait for it: each response goes on its own then. */
  #answer(batch: number | null, requests: readonly GivenRequest[], returned: unknown): void {
    if (!Array.isArray(returned) || returned.length !== requests.length) {
      this.#fail(batch, requests, countError(requests.length, returned));
      return;
    }
    const encoded = requests.map((request, index) => this.#encode(returned[index], request));
    if (batch === null) {
      requests.forEach(({ number }, index) => {
        this.#sendAlone(number, encoded[index] as EncodedResponse);
      });
    } else {
      const tensors = encoded.flatMap((response) => response.tensors);
      this.#parts.port.post(
        {
          kind: 'result',
          batch,
          error: null,
          responses: encoded.map(({ response }) => response),
        },
        tensors.map(({ bytes }) => bytes),
        (index) => tensors[index]?.movable === true,
      );
    }
    this.#ended(requests);
  }

  #sendAlone(request: number, { response, tensors }: EncodedResponse): void {
    this.#parts.port.post(
      {
        kind: 'send',
        request,
        final: true,
        response: 'reschedule' in response ? { error: tooLateError } : response,
      },
      tensors.map(({ bytes }) => bytes),
      (index) => tensors[index]?.movable === true,
    );
  }

  /** One wrong response is an error of its request alone. */
  #encode(response: InferenceResponse, request: GivenRequest): EncodedResponse {
    try {
      return this.#parts.rules.encode(response, request);
    } catch (thrown) {
      const error = executeError((thrown as Error).message, this.#parts.context.instanceName);
      return { response: { error }, tensors: [] };
    }
  }

  #fail(batch: number | null, requests: readonly GivenRequest[], thrown: unknown): void {
    const { port, context } = this.#parts;
    const response: WireResponse = { error: executeError(thrown, context.instanceName) };
    if (batch === null) {
      for (const { number } of requests) {
        port.post({ kind: 'send', request: number, final: true, response });
      }
    } else if (isTritonError(thrown)) {
      const responses = requests.map(() => response);
      port.post({ kind: 'result', batch, error: null, responses });
    } else {
      port.post({ kind: 'result', batch, error: errorText(thrown), responses: [] });
    }
    this.#ended(requests);
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function countError(requestCount: number, returned: unknown): Error {
  if (!Array.isArray(returned)) {
    const got = returned === null ? 'null' : typeof returned;
    return new TypeError(`execute must return an array with one response a request, got ${got}`);
  }
  return new TypeError(
    `Number of InferenceResponse objects do not match the number of InferenceRequest objects. InferenceRequest(s) size is:${requestCount}, and InferenceResponse(s) size is:${returned.length}`,
  );
}
