import { abortedError, connectionError, InferenceError, timeoutError } from '../inference-error.ts';

/** What a caller says about how long a request may take. */
export interface LimitedRequest {
  readonly signal: AbortSignal | null;
  readonly timeoutMs: number | null;
}

/** What may end a request of `fetch` before its answer: the caller, the client's end, the clock. */
export class RequestLimits {
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal | null;
  readonly #closed: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #reason: InferenceError | null = null;

  /** @param closed Aborts when the client is closed. */
  constructor({ signal, timeoutMs }: LimitedRequest, closed: AbortSignal) {
    this.#signal = signal;
    this.#closed = closed;
    signal?.addEventListener('abort', this.#onSignal);
    closed.addEventListener('abort', this.#onClosed);
    if (signal?.aborted === true) this.#onSignal();
    if (closed.aborted) this.#onClosed();
    if (timeoutMs !== null) {
      this.#timer = setTimeout(() => this.abandon(timeoutError(timeoutMs)), timeoutMs);
    }
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the request, with this for its caller. */
  abandon(reason: InferenceError): void {
    this.#reason ??= reason;
    this.#controller.abort();
  }

  stopClock(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  end(): void {
    this.stopClock();
    this.#signal?.removeEventListener('abort', this.#onSignal);
    this.#closed.removeEventListener('abort', this.#onClosed);
  }

  /** What to tell the caller of a request that failed with `error`. */
  errorOf(error: unknown, origin: string): InferenceError {
    if (error instanceof InferenceError) return error;
    if (this.#reason !== null) return this.#reason;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return connectionError(origin, cause);
  }

  readonly #onSignal = (): void => this.abandon(abortedError(this.#signal as AbortSignal));

  readonly #onClosed = (): void =>
    this.abandon(new InferenceError('CANCELLED', 'the client was closed', null));
}
