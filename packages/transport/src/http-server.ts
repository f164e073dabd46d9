import type { AddressInfo } from 'node:net';
import { type AddressOf, BodyMemory } from './body-memory.ts';
import { systemClock, type TransportClock } from './clock.ts';
import type { HttpHandler } from './http-handler.ts';
import { compileHttpLimits, type HttpLimits } from './http-limits.ts';
import { failureResponse } from './http1/failure-response.ts';
import { Http1Protocol } from './http1/http1-protocol.ts';
import { type ListenAddress, Listener, type TlsOptions } from './listener.ts';

export interface HttpServerOptions {
  /** What is left out has its default. */
  readonly limits?: Partial<HttpLimits>;
  /** Serves HTTPS; null or left out serves plain HTTP. */
  readonly tls?: TlsOptions | null;
  /** Where a buffer lies. Without it, bodies are aligned to the start of their ArrayBuffer. */
  readonly addressOf?: AddressOf;
  readonly clock?: TransportClock;
  /** Told what a handler throws; the client is told nothing but 500. */
  readonly handlerFailed?: (error: unknown) => void;
}

/** An HTTP server on one port. Listens once, closes once. */
export class HttpServer {
  readonly #listener: Listener;

  /** @throws RangeError when a limit is not a positive whole number. */
  constructor(handler: HttpHandler, options: HttpServerOptions = {}) {
    const context = {
      handler,
      memory: new BodyMemory(options.addressOf ?? null),
      handlerFailed: options.handlerFailed ?? ((): void => {}),
    };
    this.#listener = new Listener({
      limits: compileHttpLimits(options.limits ?? {}),
      protocols: { http1: (connection) => new Http1Protocol(connection, context), http2: null },
      tls: options.tls ?? null,
      clock: options.clock ?? systemClock,
      busyAnswer: failureResponse({ status: 503, text: 'too many connections' }),
    });
  }

  /** Connections that are open, those being closed included. */
  get connectionCount(): number {
    return this.#listener.connectionCount;
  }

  /** @throws Error with Node's `code`, such as EADDRINUSE. */
  listen(address: ListenAddress): Promise<AddressInfo> {
    return this.#listener.listen(address);
  }

  /**
   * Stops accepting, closes idle connections at once and the others when their request is answered,
   * which they have `graceMs` milliseconds for. Resolves when all are closed.
   */
  close(options: { readonly graceMs: number }): Promise<void> {
    return this.#listener.close(options.graceMs);
  }
}
