import { TritonError } from '@nereid/protocol';
import { type InjectedReply, type InjectedRequest, injectRequest } from '@nereid/transport';
import { parseOptions } from './options/parse-options.ts';
import { Server } from './server.ts';

/** What a server in this process is started with. */
export interface StartServerOptions {
  /** Folder, or folders, of models. */
  readonly modelRepository: string | readonly string[];
  /** Port for HTTP; 0 for any free one; null for none (then only `inject` reaches the server). Default 8000. */
  readonly httpPort?: number | null;
  /** Port for gRPC; 0 for any free one; null for none. Default null: the HTTP port answers gRPC too. */
  readonly grpcPort?: number | null;
  /** Port for metrics; 0 for any free one; null for none. Default null. */
  readonly metricsPort?: number | null;
  /** Address that the ports are opened on. Default 127.0.0.1: who embeds a server rarely wants it on the network. */
  readonly address?: string;
  /** True writes the server's log to the console. Default false: errors and warnings only. */
  readonly log?: boolean;
  /** Any other flags of `tritonserver`, as on its command line: `['--model-control-mode=explicit']`. */
  readonly flags?: readonly string[];
}

/** A server that runs in this process. */
export interface RunningServer {
  /** `http://host:port`, or null without an HTTP port. */
  readonly httpUrl: string | null;
  /** `host:port` of the gRPC port, as gRPC clients take it, or null without one. */
  readonly grpcTarget: string | null;
  /** `http://host:port/metrics`, or null without a metrics port. */
  readonly metricsUrl: string | null;
  /** Sends a request through the whole HTTP front end without a socket. */
  inject(request: InjectedRequest): Promise<InjectedReply>;
  /** Refuses new requests, answers those in flight, unloads the models, closes the ports. */
  stop(): Promise<void>;
}

/**
 * Starts a server in this process. Resolves when the models are loaded and the ports are open.
 *
 * @throws TritonError INVALID_ARG for options that make no sense; what `tritonserver` would end with
 *   for a missing repository, a model that does not load, or a port that is taken.
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const parsed = parseOptions(flagsOf(options), {});
  if (parsed.kind !== 'run') {
    throw new TritonError('INVALID_ARG', parsed.kind === 'error' ? parsed.message : parsed.text);
  }
  const server = new Server(parsed.options);
  await server.start();
  const url = (address: { address: string; port: number } | null, path: string): string | null =>
    address === null ? null : `http://${hostOf(address.address)}:${address.port}${path}`;
  return {
    httpUrl: url(server.httpAddress, ''),
    grpcTarget: url(server.grpcAddress, '')?.slice('http://'.length) ?? null,
    metricsUrl: url(server.metricsAddress, '/metrics'),
    inject: (request) => injectRequest(server.httpHandler, request),
    async stop() {
      await server.stop();
    },
  };
}

function flagsOf(options: StartServerOptions): string[] {
  const {
    modelRepository,
    httpPort = 8000,
    grpcPort = null,
    metricsPort = null,
    address = '127.0.0.1',
  } = options;
  const repositories = typeof modelRepository === 'string' ? [modelRepository] : modelRepository;
  return [
    ...repositories.map((path) => `--model-repository=${path}`),
    `--http-address=${address}`,
    ...(httpPort === null ? ['--allow-http=false'] : [`--http-port=${httpPort}`]),
    ...(metricsPort === null ? ['--allow-metrics=false'] : [`--metrics-port=${metricsPort}`]),
    ...(grpcPort === null
      ? ['--allow-grpc=false']
      : [`--grpc-address=${address}`, `--grpc-port=${grpcPort}`]),
    ...(options.log === true ? [] : ['--log-info=false']),
    ...(options.flags ?? []),
  ];
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
