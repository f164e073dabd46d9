import type { ResourceLimit, Restriction } from './setting-format.ts';

/** When models are loaded and unloaded: once at start, by watching the repository, or on request. */
export type ModelControlMode = 'none' | 'poll' | 'explicit' | 'lazy';

/** How a log line begins. */
export type LogFormat = 'default' | 'ISO8601' | 'json';

/** Where models come from and how they are loaded. */
export interface ModelRepositoryOptions {
  /** Folders, in the order given, each once. Never empty. */
  readonly paths: readonly string[];
  /** A model that fails to load at start ends the server. */
  readonly exitOnError: boolean;
  /** What config.pbtxt leaves out is taken from the model file. */
  readonly autoCompleteConfig: boolean;
  /** The server is ready only when every model is. */
  readonly strictReadiness: boolean;
  readonly controlMode: ModelControlMode;
  /** Seconds between two looks at the repository; 0 unless the control mode is `poll`. */
  readonly pollSecs: number;
  /** Control mode `lazy`: models without requests for so long are unloaded; 0 for never. */
  readonly idleUnloadSecs: number;
  /** Control mode `lazy`: what models may take together, in bytes; 0 for any. */
  readonly memoryLimitBytes: number;
  /** Names to load at start in control modes `explicit` and `lazy`. Empty when `startupModelsAll`. */
  readonly startupModels: readonly string[];
  /** `--load-model=*`: everything in the repository is loaded at start. */
  readonly startupModelsAll: boolean;
  /** Chooses `configs/<name>.pbtxt` over config.pbtxt; '' for none. */
  readonly modelConfigName: string;
  /** Models that load at the same time. At least 1. */
  readonly loadThreadCount: number;
  /** How often a failed load is tried again. */
  readonly loadRetryCount: number;
  /** Models of the same name may be served from different repositories. */
  readonly namespacing: boolean;
  /** `TRITONSERVER_DELAY_SCHEDULER`: schedulers send nothing before so many requests wait; for tests. */
  readonly delaySchedulerRequests: number;
  /** `TRITONSERVER_BACKLOG_DELAY_SCHEDULER`: nor before so many wait of sequences without a slot. */
  readonly delayBacklogRequests: number;
}

/** What backends are told. */
export interface BackendOptions {
  /** Where backends beyond the built-in ones are looked for. */
  readonly directory: string;
  /** `--backend-config`: settings by backend name; those without a backend under ''. A later value replaces an earlier one. */
  readonly config: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Where there is no GPU, instances that want one run on the CPU. */
  readonly cpuFallback: boolean;
  /** `--min-supported-compute-capability`: GPUs below are not used. */
  readonly minComputeCapability: number;
  /** `--host-policy`: settings by the name of the policy. */
  readonly hostPolicies: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Where answers are kept. */
export interface CacheOptions {
  /** `--cache-config`: settings by the name of the cache; empty for none. A later value replaces an earlier one. */
  readonly settings: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Where Triton looks for caches that are not built in. */
  readonly directory: string;
  /** From the environment, for a Redis whose settings name none; null when it has none. */
  readonly redisUser: string | null;
  readonly redisPassword: string | null;
}

/** The HTTP front end. */
export interface HttpOptions {
  readonly allow: boolean;
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Several servers may share the port; the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** Largest request body, as received and after decompression. */
  readonly bodyBytesMax: number;
  /** Connections open at the same time; further ones are refused. */
  readonly connectionsMax: number;
  /** Time for a request's headers to arrive completely, from their first byte. */
  readonly headerTimeoutMs: number;
  /** Longest pause between two pieces of a request body. */
  readonly bodyTimeoutMs: number;
  /** How long a connection without a request is kept. */
  readonly idleTimeoutMs: number;
  /** Pattern for the names of headers that become parameters of inference requests; '' for none. */
  readonly headerForwardPattern: string;
  /** Endpoints that ask for a header. A category stands in one of them at most. */
  readonly restrictions: readonly Restriction[];
  /** The endpoints of OpenAI's API; null for none. */
  readonly openAi: { readonly defaultMaxTokens: number } | null;
  /** Origins whose pages may read answers of HTTP and gRPC-Web in browsers; `*` for any, empty for none. */
  readonly corsOrigins: ReadonlySet<string>;
}

/** The gRPC front end. */
export interface GrpcOptions {
  readonly allow: boolean;
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Several servers may share the port; the kernel spreads connections over them. */
  readonly reusePort: boolean;
  readonly inferCompressionLevel: GrpcCompressionLevel;
  /** Null serves without TLS. */
  readonly tls: GrpcTlsOptions | null;
  readonly keepalive: GrpcKeepaliveOptions;
  /** Pattern for the keys of metadata that become parameters of inference requests; '' for none. */
  readonly headerForwardPattern: string;
  /** Calls that ask for metadata `triton-grpc-protocol-<key>`. A category stands in one of them at most. */
  readonly restrictions: readonly Restriction[];
}

/** Compression of inference responses, for clients that take it. */
export type GrpcCompressionLevel = 'none' | 'low' | 'medium' | 'high';

/** Paths of PEM files for gRPC over TLS. */
export interface GrpcTlsOptions {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs the certificates of clients; '' for none. */
  readonly rootFile: string;
  /** Clients must have a certificate that the root signed. */
  readonly mutual: boolean;
}

/** How gRPC connections are kept alive and ended: gRPC's channel arguments. */
export interface GrpcKeepaliveOptions {
  /** Quiet time after which the server sends a ping. */
  readonly timeMs: number;
  /** How long it waits for the answer before it closes the connection. */
  readonly timeoutMs: number;
  readonly permitWithoutCalls: boolean;
  /** Pings in a row without data in between; 0 for any number. */
  readonly pingsWithoutDataMax: number;
  /** Pings of a client that come faster than this are bad. */
  readonly receivedPingIntervalMinMs: number;
  /** Bad pings that are borne; 0 for any number. */
  readonly pingStrikesMax: number;
  /** How old connections get; null for any age. */
  readonly connectionAgeMaxMs: number | null;
  /** How long calls may then go on; null for as long as they take. */
  readonly connectionAgeGraceMs: number | null;
}

/** The metrics port. */
export interface MetricsOptions {
  readonly allow: boolean;
  readonly address: string;
  readonly port: number;
  readonly cpu: boolean;
  /** Of the GPUs, where there are any. */
  readonly gpu: boolean;
  /** How often what must be sampled (processor, memory) is sampled. */
  readonly intervalMs: number;
  /** False (`counter_latencies=false`) stops every inference counter, as in Triton. */
  readonly counterLatencies: boolean;
  /** What of latencies is kept beyond their sums; nothing of it without the metrics. */
  readonly latencies: {
    readonly histograms: boolean;
    readonly summaries: boolean;
    /** From 0 to 1. */
    readonly quantiles: readonly number[];
  };
}

/** The log at start; `LogSettings` is what can be changed later. */
export interface LogOptions {
  readonly info: boolean;
  readonly warning: boolean;
  readonly error: boolean;
  /** 0 for none; messages up to this level are written. */
  readonly verboseLevel: number;
  readonly format: LogFormat;
  /** Path to append to; '' for the console. */
  readonly file: string;
  /** False with TRITON_SERVER_ESCAPE_LOG_MESSAGES=0: messages are not quoted as JSON strings. */
  readonly escapeMessages: boolean;
  /** Inference requests that fail, and those that take so long, get a line each; null for none. */
  readonly accessSlowMs: number | null;
}

/** What traces are made with: Triton's own file format, or OpenTelemetry's spans. */
export type TraceMode = 'triton' | 'opentelemetry';

/** Tracing at start; level, rate, count and log frequency can be changed later. */
export interface TraceOptions {
  readonly timestamps: boolean;
  readonly tensors: boolean;
  readonly mode: TraceMode;
  /** One request in so many is traced, 32 bits without sign; 0 for none but those that ask for it. */
  readonly rate: number;
  /** How many requests are traced; below 0 for any number. */
  readonly count: number;
  /** '' for none. */
  readonly file: string;
  /** Traces a file, 32 bits without sign; 0 for all in one. */
  readonly logFrequency: number;
  /** Further settings of the mode, as clients are told of them. */
  readonly modeSettings: readonly (readonly [name: string, value: string])[];
}

/** Everything the command line decides, validated, with defaults filled in. Never changes. */
export interface ServerOptions {
  /** Name in the server metadata. */
  readonly serverId: string;
  /** How long requests in flight may take to end when the server stops. */
  readonly exitTimeoutSecs: number;
  readonly modelRepository: ModelRepositoryOptions;
  readonly backend: BackendOptions;
  readonly cache: CacheOptions;
  /** `--rate-limit-resource` with --rate-limit=execution_count; null without a rate limiter. */
  readonly rateLimits: readonly ResourceLimit[] | null;
  readonly http: HttpOptions;
  readonly grpc: GrpcOptions;
  readonly metrics: MetricsOptions;
  readonly log: LogOptions;
  readonly trace: TraceOptions;
  /** Clients may register shared memory. */
  readonly allowClientSharedMemory: boolean;
  /** Values by flag, of the flags that were given, in the order given. A flag without a value has ''. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** What the log should say once about the command line: deprecated flags and what they became. */
  readonly warnings: readonly string[];
}
