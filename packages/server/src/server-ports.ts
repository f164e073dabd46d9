import type { AddressInfo } from 'node:net';
import { addressOf } from '@nereid/native';
import { TritonError } from '@nereid/protocol';
import {
  type BlockSource,
  type GrpcHandler,
  type HttpHandler,
  HttpServer,
  type HttpServerOptions,
  type ResponseObserver,
  type TlsOptions,
} from '@nereid/transport';
import { RestrictedApis } from './control-plane/restricted-apis.ts';
import type { Clock } from './core/clock.ts';
import type { Logger } from './core/logger.ts';
import { headerForwardingOf } from './data-plane/header-forwarding.ts';
import { createGrpcHandler } from './frontends/grpc/grpc-handler.ts';
import { createHttpHandler } from './frontends/http/http-handler.ts';
import type { HttpContext } from './frontends/http/http-route.ts';
import { metricsHandler } from './frontends/metrics/metrics-handler.ts';
import { CertificateReloader } from './grpc-certificates.ts';
import { transportKeepalive, zlibLevels } from './grpc-transport.ts';
import type { Log } from './observability/log.ts';
import type { MetricsRegistry } from './observability/metrics-registry.ts';
import type { GrpcTlsOptions, ServerOptions } from './options/server-options.ts';
import { listenOn } from './port-listening.ts';
import type { CalledPlanes } from './server-inference-port.ts';

/** What every front end works with. */
export type Planes = Pick<HttpContext, 'logControl' | 'sharedMemory' | 'traceControl' | 'tracing'> &
  CalledPlanes;

/** What one port answers with: every port answers both protocols. */
interface PortHandlers {
  readonly http: HttpHandler;
  readonly grpc: GrpcHandler;
}

export interface ServerPortsOptions {
  readonly options: ServerOptions;
  readonly planes: Planes;
  readonly metrics: MetricsRegistry;
  /** Told the status of every answer but those of the metrics port; null for nobody. */
  readonly responses: ResponseObserver | null;
  /** True once the server takes nothing new. */
  readonly isExiting: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Told what a handler failed with that nobody expected. */
  /** Where the memory of large bodies comes from. */
  readonly blocks: BlockSource;
  readonly reportDefect: (error: unknown) => void;
}

/** A connection that is being closed gets so long to read the last answer, and no longer. */
const connectionGraceMsMax = 5_000;

/** The ports of a server, and who answers on each. Opened once, closed once. */
export class ServerPorts {
  readonly #parts: ServerPortsOptions;
  readonly #logger: Logger;
  readonly #onHttpPort: PortHandlers;
  readonly #onGrpcPort: PortHandlers;
  readonly #opened: HttpServer[] = [];
  #certificates: CertificateReloader | null = null;
  #httpAddress: AddressInfo | null = null;
  #grpcAddress: AddressInfo | null = null;
  #metricsAddress: AddressInfo | null = null;

  constructor(parts: ServerPortsOptions) {
    this.#parts = parts;
    this.#logger = parts.log.logger('server-ports.ts');
    const http = new RestrictedApis(parts.options.http.restrictions);
    const grpc = new RestrictedApis(parts.options.grpc.restrictions, 'triton-grpc-protocol-');
    // Whoever restricts one protocol may have closed the port of the other to the network: what
    // comes over a port has to satisfy the restrictions of that port too.
    this.#onHttpPort = {
      http: this.#makeHttpHandler(http),
      grpc: this.#makeGrpcHandler(grpc.and(http)),
    };
    this.#onGrpcPort = {
      http: this.#makeHttpHandler(http.and(grpc)),
      grpc: this.#makeGrpcHandler(grpc),
    };
  }

  /** Null before `open` and with --allow-http=false. */
  get httpAddress(): AddressInfo | null {
    return this.#httpAddress;
  }

  /** Null before `open` and with --allow-grpc=false. */
  get grpcAddress(): AddressInfo | null {
    return this.#grpcAddress;
  }

  /** Null before `open` and with --allow-metrics=false. */
  get metricsAddress(): AddressInfo | null {
    return this.#metricsAddress;
  }

  /** Answers requests that come over the HTTP port, or over none. */
  get httpHandler(): HttpHandler {
    return this.#onHttpPort.http;
  }

  /** Answers gRPC calls that come over the gRPC port, or over none. */
  get grpcHandler(): GrpcHandler {
    return this.#onGrpcPort.grpc;
  }

  /** Takes the certificates on disk into use; does nothing where nothing speaks TLS. */
  reloadCertificates(): void {
    this.#certificates?.reload();
  }

  /** @throws TritonError when a port is taken; those opened before it stay open until `close`. */
  async open(): Promise<void> {
    await this.#openGrpc();
    await this.#openHttp();
    await this.#openMetrics();
  }

  /** Closes the ports. Connections get a little of the time that is left to read their last answers. */
  async close(graceMs: number): Promise<void> {
    await this.#certificates?.stop();
    const grace = { graceMs: Math.min(connectionGraceMsMax, graceMs) };
    await Promise.all(this.#opened.splice(0).map((server) => server.close(grace)));
  }

  #makeHttpHandler(restrictedApis: RestrictedApis): HttpHandler {
    const { planes, metrics, clock, log } = this.#parts;
    const { http } = this.#parts.options;
    return createHttpHandler({
      ...planes,
      metricsText: (format) => metrics.text(format),
      headerForwarding: headerForwardingOf(http.headerForwardPattern),
      restrictedApis,
      options: { maxInputBytes: http.bodyBytesMax, openAi: http.openAi },
      clock,
      logger: log.logger('http-handler.ts'),
    });
  }

  #makeGrpcHandler(restrictedApis: RestrictedApis): GrpcHandler {
    const { planes, isExiting, clock, log } = this.#parts;
    const { grpc } = this.#parts.options;
    return createGrpcHandler({
      ...planes,
      compressionLevel: zlibLevels[grpc.inferCompressionLevel],
      headerForwarding: headerForwardingOf(grpc.headerForwardPattern),
      isExiting,
      restrictedApis,
      clock,
      logger: log.logger('grpc-handler.ts'),
    });
  }

  /** Answers HTTP too, as the HTTP port answers gRPC: the first bytes of a connection decide. */
  async #openGrpc(): Promise<void> {
    const { grpc } = this.#parts.options;
    if (!grpc.allow) return;
    const server = grpc.tls === null ? this.#newGrpcServer(null) : await this.#overTls(grpc.tls);
    const { address } = grpc;
    this.#grpcAddress = await listenOn(server, 'GRPC', address, grpc.port, grpc.reusePort);
    this.#logger.info(`Started GRPCInferenceService at ${address}:${this.#grpcAddress.port}`);
  }

  #newGrpcServer(tls: TlsOptions | null): HttpServer {
    const { http, grpc } = this.#onGrpcPort;
    return this.#newServer(http, { ...this.#transportOptions(grpc), tls });
  }

  async #overTls(files: GrpcTlsOptions): Promise<HttpServer> {
    const { clock, log } = this.#parts;
    const logger = log.logger('grpc-certificates.ts');
    this.#certificates = new CertificateReloader({ files, clock, logger });
    const tls = await this.#certificates.read();
    try {
      const server = this.#newGrpcServer(tls);
      this.#certificates.start((renewed) => server.replaceCertificates(renewed));
      return server;
    } catch (cause) {
      const text = `the certificates of gRPC cannot be used: ${(cause as Error).message}`;
      throw new TritonError('INVALID_ARG', text, { cause });
    }
  }

  async #openHttp(): Promise<void> {
    const { http } = this.#parts.options;
    if (!http.allow) return;
    const { http: handler, grpc } = this.#onHttpPort;
    const server = this.#newServer(handler, this.#transportOptions(grpc));
    const { address } = http;
    this.#httpAddress = await listenOn(server, 'HTTP', address, http.port, http.reusePort);
    this.#logger.info(`Started HTTPService at ${address}:${this.#httpAddress.port}`);
  }

  async #openMetrics(): Promise<void> {
    const { metrics } = this.#parts.options;
    if (!metrics.allow) return;
    const server = this.#newServer(
      metricsHandler(this.#parts.metrics),
      this.#transportOptions(null),
    );
    this.#metricsAddress = await listenOn(server, 'metrics', metrics.address, metrics.port, false);
    this.#logger.info(`Started Metrics Service at ${metrics.address}:${this.#metricsAddress.port}`);
  }

  #newServer(handler: HttpHandler, options: HttpServerOptions): HttpServer {
    const server = new HttpServer(handler, options);
    this.#opened.push(server);
    return server;
  }

  /** @param handler Of gRPC; null for none. */
  #transportOptions(handler: GrpcHandler | null): HttpServerOptions {
    const { responses } = this.#parts;
    const { http, grpc } = this.#parts.options;
    const { corsOrigins } = http;
    const { connectionsMax, headerTimeoutMs, bodyTimeoutMs, idleTimeoutMs, bodyBytesMax } = http;
    return {
      limits: { connectionsMax, headerTimeoutMs, bodyTimeoutMs, idleTimeoutMs, bodyBytesMax },
      addressOf,
      bodyBlocks: this.#parts.blocks,
      cors: handler === null || corsOrigins.size === 0 ? null : { origins: corsOrigins },
      grpc: handler === null ? null : { handler, keepalive: transportKeepalive(grpc.keepalive) },
      handlerFailed: this.#parts.reportDefect,
      ...(handler === null || responses === null ? {} : { observer: responses }),
    };
  }
}
