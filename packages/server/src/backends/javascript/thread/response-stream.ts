import type { InferenceResponse, Model, ModelContext, Reschedule } from '@nereid/model';
import { executeError } from './error-text.ts';
import type { GivenRequest } from './given-request.ts';
import type { OutputRules } from './output-rules.ts';
import type { ServerPort } from './server-port.ts';

/** Of so many responses the last asks whether all came. */
const acknowledgeEvery = 16;
/** Responses that may be on their way: a model that is faster waits for the server. */
const unacknowledgedMax = 64;

export interface ResponseStreamParts {
  readonly request: GivenRequest;
  readonly model: Model;
  readonly context: ModelContext;
  readonly rules: OutputRules;
  readonly port: ServerPort;
}

/** The responses of a decoupled model to one request, from its first to its end. */
export class ResponseStream {
  readonly #parts: ResponseStreamParts;
  #sent = 0;
  #taken = 0;
  #wake: (() => void) | null = null;

  constructor(parts: ResponseStreamParts) {
    this.#parts = parts;
  }

  /**
   * Has the model answer. Never rejects: what it throws is the last answer.
   * @returns null, unless the model gives the request back
   */
  async run(): Promise<Reschedule | null> {
    const { model, request, context, port } = this.#parts;
    try {
      const returned: unknown = model.execute([request], context);
      // Also what a model gives that is no generator: a promise of responses, or the responses.
      return await this.#sendAll(await (returned as Promise<unknown>));
    } catch (thrown) {
      const response = { error: executeError(thrown, context.instanceName) };
      port.post({ kind: 'send', request: request.number, final: true, response });
      return null;
    }
  }

  acknowledged(): void {
    this.#taken += acknowledgeEvery;
    this.wake();
  }

  /** Looks again whether there is something to wait for. */
  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  async #sendAll(returned: unknown): Promise<Reschedule | null> {
    const { request, port } = this.#parts;
    if (!isIterable(returned)) {
      throw new TypeError(
        `execute of a decoupled model must be an async generator, or return responses; got ${typeof returned}`,
      );
    }
    for await (const response of returned) {
      if (request.cancelled) return null;
      if (!this.#send(response)) return { reschedule: true };
      await this.#room();
    }
    port.post({ kind: 'send', request: request.number, final: true, response: null });
    return null;
  }

  /** @returns false for what gives the request back */
  #send(response: InferenceResponse): boolean {
    const { rules, request, port } = this.#parts;
    const { response: wire, tensors } = rules.encode(response, request);
    if ('reschedule' in wire) return false;
    this.#sent++;
    port.post(
      {
        kind: 'send',
        request: request.number,
        final: false,
        response: wire,
        ...(this.#sent % acknowledgeEvery === 0 ? { acknowledge: true } : {}),
      },
      tensors.map(({ bytes }) => bytes),
      (index) => tensors[index]?.movable === true,
    );
    return true;
  }

  /** Waits while the server has too much before it; a cancellation ends that. */
  async #room(): Promise<void> {
    while (this.#sent - this.#taken >= unacknowledgedMax && !this.#parts.request.cancelled) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function isIterable(
  value: unknown,
): value is AsyncIterable<InferenceResponse> | Iterable<InferenceResponse> {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}
