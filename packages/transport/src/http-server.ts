import type { AddressInfo } from 'node:net';
import { type AddressOf, type BlockSource, BodyMemory } from './body-memory.ts';
import { systemClock, type TransportClock } from './clock.ts';
import { CorsHandler, type CorsPolicy } from './cors-handler.ts';
import { isGrpcContentType } from './grpc/grpc-head.ts';
import { type GrpcOptions, grpcKeepaliveDefaults, grpcLimitDefaults } from './grpc/grpc-limits.ts';
import { GrpcService } from './grpc/grpc-service.ts';
import { GrpcWebHandler } from './grpc/grpc-web-handler.ts';
import { type HttpHandler, refusalOf } from './http-handler.ts';
import { compileHttpLimits, type HttpLimits } from './http-limits.ts';
import { failureResponse } from './http1/failure-response.ts';
import { Http1Protocol } from './http1/http1-protocol.ts';
import { Http2Connection, type Http2Context } from './http2/http2-connection.ts';
import { Http2Exchange } from './http2/http2-exchange.ts';
import { compileHttp2Limits, type Http2Limits } from './http2/http2-limits.ts';
import { type ListenAddress, Listener } from './listener.ts';
import { noObserver, type ResponseObserver } from './response-observer.ts';
import type { TlsOptions } from './tls-server.ts';

export interface HttpServerOptions {
  /** What is left out has its default. */
  readonly limits?: Partial<HttpLimits>;
  /** HTTP/2 is served beside HTTP/1.1; null leaves it out. What is left out has its default. */
  readonly http2?: Partial<Http2Limits> | null;
  /** Answers gRPC calls; null or left out hands them to the HTTP handler as any other request. */
  readonly grpc?: GrpcOptions | null;
  /** What browsers are told of pages from elsewhere, for HTTP and gRPC-Web; null or left out tells nothing. */
  readonly cors?: CorsPolicy | null;
  /** Serves HTTPS; null or left out serves plain HTTP. */
  readonly tls?: TlsOptions | null;
  /** Where a buffer lies. Without it, bodies are aligned to the start of their ArrayBuffer. */
  readonly addressOf?: AddressOf;
  /** Where the memory of large bodies comes from; absent for the heap. */
  readonly bodyBlocks?: BlockSource;
  readonly clock?: TransportClock;
  /** Told what a handler throws; the client is told nothing but 500. */
  readonly handlerFailed?: (error: unknown) => void;
  /** Told the status of every answer. */
  readonly observer?: ResponseObserver;
}

/** An HTTP server on one port. Listens once, closes once. */
export class HttpServer {
  readonly #listener: Listener;

  /**
   * @throws RangeError when a limit is not a positive whole number, Error that says what is wrong with
   *   the certificates.
   */
  constructor(handler: HttpHandler, options: HttpServerOptions = {}) {
    const limits = compileHttpLimits(options.limits ?? {});
    const clock = options.clock ?? systemClock;
    const base = {
      memory: new BodyMemory(options.addressOf ?? null, clock, options.bodyBlocks ?? null),
      handlerFailed: options.handlerFailed ?? ((): void => {}),
      observer: options.observer ?? noObserver,
      clock,
    };
    const grpc = options.grpc ?? null;
    const grpcLimits = { ...grpcLimitDefaults, ...grpc?.limits };
    const service =
      grpc === null
        ? null
        : new GrpcService(grpc.handler, {
            ...base,
            limits: grpcLimits,
            bodyTimeoutMs: limits.bodyTimeoutMs,
            bodyBytesPerSecondMin: limits.bodyBytesPerSecondMin,
          });
    const answering =
      service === null
        ? handler
        : new GrpcWebHandler(service, handler, grpcLimits.receiveMessageBytesMax);
    const cors = options.cors ?? null;
    const shared = {
      ...base,
      handler: cors === null ? answering : new CorsHandler(cors, answering),
    };
    const http2 = options.http2 === null ? null : http2Context(shared, limits, options, service);
    const busy = refusalOf(shared.handler, null, 503, 'too many connections', base.handlerFailed);
    this.#listener = new Listener({
      limits,
      protocols: {
        http1: (connection) => new Http1Protocol(connection, shared),
        http2: http2 === null ? null : (connection) => new Http2Connection(connection, http2),
      },
      tls: options.tls ?? null,
      clock,
      busyAnswer: failureResponse(503, busy),
    });
  }

  /** Connections that are open, those being closed included. */
  get connectionCount(): number {
    return this.#listener.connectionCount;
  }

  /**
   * From now on connections get these certificates; those that are open live on. `mutual` stays as it is.
   *
   * @throws Error that says what is wrong with them; the old ones stay then.
   */
  replaceCertificates(tls: TlsOptions): void {
    this.#listener.replaceCertificates(tls);
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

/** What both protocols share. */
interface SharedContext {
  readonly handler: HttpHandler;
  readonly memory: BodyMemory;
  readonly handlerFailed: (error: unknown) => void;
  readonly observer: ResponseObserver;
  readonly clock: TransportClock;
}

function http2Context(
  shared: SharedContext,
  limits: HttpLimits,
  options: HttpServerOptions,
  service: GrpcService | null,
): Http2Context {
  const exchange = { ...shared, ...limits };
  return {
    limits: compileHttp2Limits(options.http2 ?? {}),
    keepalive: service === null ? null : { ...grpcKeepaliveDefaults, ...options.grpc?.keepalive },
    clock: shared.clock,
    handlerFailed: shared.handlerFailed,
    open: (stream, head) =>
      service !== null && isGrpcContentType(head.contentType)
        ? service.open(stream, head)
        : new Http2Exchange(exchange, stream, head),
  };
}
