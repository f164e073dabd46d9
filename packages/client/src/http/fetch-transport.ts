import { abortedError, connectionError, InferenceError, timeoutError } from '../inference-error.ts';
import type { HttpAnswer, HttpRequest, HttpStreamAnswer, HttpTransport } from './http-transport.ts';

/** Sends with `fetch`: in browsers, workers and edge runtimes. */
export class FetchTransport implements HttpTransport {
  readonly #origin: string;
  readonly #closed = new AbortController();

  /** @param origin As `https://host:8000`, with a path before the API's if there is one, no slash at its end. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const limits = new RequestLimits(request, this.#closed.signal);
    try {
      const response = await this.#fetch(request, limits.signal);
      const body = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, header: (name) => response.headers.get(name), body };
    } catch (error) {
      throw limits.errorOf(error, this.#origin);
    } finally {
      limits.end();
    }
  }

  async open(request: HttpRequest): Promise<HttpStreamAnswer> {
    const limits = new RequestLimits(request, this.#closed.signal);
    try {
      const response = await this.#fetch(request, limits.signal);
      limits.stopClock();
      return {
        status: response.status,
        header: (name) => response.headers.get(name),
        body: readAll(response, limits, this.#origin),
      };
    } catch (error) {
      limits.end();
      throw limits.errorOf(error, this.#origin);
    }
  }

  close(): void {
    this.#closed.abort();
  }

  #fetch({ method, path, headers, body }: HttpRequest, signal: AbortSignal): Promise<Response> {
    return fetch(this.#origin + path, {
      method,
      headers,
      body: body.length === 0 ? null : joined(body),
      signal,
    });
  }
}

/** `fetch` streams no bodies everywhere, so it gets one piece. */
function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const total = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const whole = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

async function* readAll(
  response: Response,
  limits: RequestLimits,
  origin: string,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return;
      yield piece.value;
    }
  } catch (error) {
    throw limits.errorOf(error, origin);
  } finally {
    await reader?.cancel().catch(() => {});
    limits.end();
  }
}

/** What may end a request before its answer: the caller, the client's end, the clock. */
class RequestLimits {
  readonly #controller = new AbortController();
  readonly #request: HttpRequest;
  readonly #closed: AbortSignal;
  readonly #abort = (): void => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timedOut = false;

  constructor(request: HttpRequest, closed: AbortSignal) {
    this.#request = request;
    this.#closed = closed;
    for (const signal of [request.signal, closed]) {
      if (signal?.aborted === true) this.#abort();
      else signal?.addEventListener('abort', this.#abort);
    }
    if (request.timeoutMs !== null) {
      this.#timer = setTimeout(() => {
        this.#timedOut = true;
        this.#abort();
      }, request.timeoutMs);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stopClock(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  end(): void {
    this.stopClock();
    this.#request.signal?.removeEventListener('abort', this.#abort);
    this.#closed.removeEventListener('abort', this.#abort);
  }

  errorOf(error: unknown, origin: string): InferenceError {
    const { signal, timeoutMs } = this.#request;
    if (error instanceof InferenceError) return error;
    if (this.#timedOut) return timeoutError(timeoutMs ?? 0);
    if (signal?.aborted === true) return abortedError(signal);
    if (this.#closed.aborted) return new InferenceError('CANCELLED', 'the client was closed', null);
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return connectionError(origin, cause);
  }
}
