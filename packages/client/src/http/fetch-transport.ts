import { bodyPieces, joinedPieces } from './fetch-body.ts';
import type { HttpAnswer, HttpRequest, HttpStreamAnswer, HttpTransport } from './http-transport.ts';
import { RequestLimits } from './request-limits.ts';

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
        body: bodyPieces(response, limits, this.#origin),
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
      body: body.length === 0 ? null : joinedPieces(body),
      signal,
    });
  }
}
