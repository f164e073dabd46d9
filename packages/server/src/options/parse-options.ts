import { scanArguments } from './argument-scanner.ts';
import { GivenOptions } from './given-options.ts';
import { grpcKeepalive, grpcTls } from './grpc-transport-options.ts';
import { metricsOptions } from './metrics-options.ts';
import { OptionError, parseBoolean } from './option-value.ts';
import { cloudSchemes } from './rows/model-repository-rows.ts';
import { deprecatedTraceRows } from './rows/tracing-rows.ts';
import type {
  BackendOptions,
  CacheOptions,
  GrpcCompressionLevel,
  GrpcOptions,
  HttpOptions,
  LogFormat,
  LogOptions,
  ModelControlMode,
  ModelRepositoryOptions,
  ServerOptions,
} from './server-options.ts';
import {
  type NamedSetting,
  parseNamedSetting,
  parseRestriction,
  type Restriction,
  resourceLimits,
} from './setting-format.ts';
import { traceOptions } from './trace-options.ts';
import { usageText } from './usage.ts';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command line asks for. `message` is one line, to be shown below the usage text as Triton does. */
export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: ServerOptions }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'error'; readonly message: string };

/**
 * Turns a command line (without the program's name) into validated options. Nothing outside `argv`
 * and `env` is looked at: whether folders exist shows when they are opened.
 */
export function parseOptions(argv: readonly string[], env: Environment): ParsedOptions {
  try {
    const scanned = scanArguments(argv);
    if (scanned.some(({ spec }) => spec.flag === 'help')) {
      return { kind: 'help', text: usageText() };
    }
    return { kind: 'run', options: compile(new GivenOptions(scanned), env) };
  } catch (error) {
    if (error instanceof OptionError) return { kind: 'error', message: error.message };
    throw error;
  }
}

function compile(given: GivenOptions, env: Environment): ServerOptions {
  const warnings: string[] = [];
  const http = httpOptions(given);
  const options: ServerOptions = {
    serverId: given.text('id'),
    exitTimeoutSecs: Math.max(0, given.integer('exit-timeout-secs')),
    modelRepository: modelRepositoryOptions(given, env, warnings),
    backend: backendOptions(given),
    cache: cacheOptions(given, env, warnings),
    rateLimits:
      given.text('rate-limit').toLowerCase() === 'execution_count'
        ? resourceLimits(given.all('rate-limit-resource'))
        : null,
    http,
    grpc: grpcOptions(given),
    metrics: metricsOptions(given, env, http.address, warnings),
    log: logOptions(given, env),
    trace: traceOptions(given, env, warnings),
    allowClientSharedMemory: given.boolean('allow-client-shm'),
    given: given.values,
    warnings,
  };
  for (const { flag, deprecated } of deprecatedTraceRows) {
    if (given.has(flag)) warnings.push(`'--${flag}' has been deprecated: ${deprecated}`);
  }
  checkPorts(options);
  return options;
}

function modelRepositoryOptions(
  given: GivenOptions,
  env: Environment,
  warnings: string[],
): ModelRepositoryOptions {
  const controlMode = given.text('model-control-mode').toLowerCase() as ModelControlMode;
  const startupModels = [...new Set(given.all('load-model'))];
  if (startupModels.length > 0 && controlMode !== 'explicit' && controlMode !== 'lazy') {
    throw new OptionError(
      "Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well.",
    );
  }
  const startupModelsAll = startupModels.includes('*');
  if (startupModelsAll && startupModels.length > 1) {
    throw new OptionError(
      "Wildcard model name '*' must be the ONLY startup model if specified at all.",
    );
  }
  return {
    paths: repositoryPaths(given, env),
    exitOnError: given.boolean('exit-on-error'),
    autoCompleteConfig: autoCompleteConfig(given, warnings),
    strictReadiness: given.boolean('strict-readiness'),
    controlMode,
    idleUnloadSecs: given.integer('model-idle-unload-secs'),
    memoryLimitBytes: given.integer('model-memory-limit-bytes'),
    pollSecs: controlMode === 'poll' ? Math.max(0, given.integer('repository-poll-secs')) : 0,
    startupModels: startupModelsAll ? [] : startupModels,
    startupModelsAll,
    modelConfigName: given.textOrNull('model-config-name') ?? '',
    loadThreadCount: Math.max(1, given.integer('model-load-thread-count')),
    loadRetryCount: Math.max(0, given.integer('model-load-retry-count')),
    namespacing: given.boolean('model-namespacing'),
    delaySchedulerRequests: requestCount(env['TRITONSERVER_DELAY_SCHEDULER']),
    delayBacklogRequests: requestCount(env['TRITONSERVER_BACKLOG_DELAY_SCHEDULER']),
  };
}

/** What is no number counts for none, as in Triton. */
function requestCount(text: string | undefined): number {
  return Math.max(0, Number.parseInt(text ?? '', 10) || 0);
}

function repositoryPaths(given: GivenOptions, env: Environment): readonly string[] {
  const paths = [...new Set(given.all('model-repository'))];
  if (paths.length > 0) return paths;
  // Hosted services name the repository this way.
  const hosted = env['AIP_STORAGE_URI'] ?? '';
  if (hosted === '') {
    throw new OptionError(
      '--model-repository must be specified: --model-repository=<folder with one sub-folder a model>',
    );
  }
  if (cloudSchemes.some((scheme) => hosted.startsWith(scheme))) {
    throw new OptionError(
      `AIP_STORAGE_URI names cloud storage, which is not supported yet: give a local --model-repository. Got ${hosted}`,
    );
  }
  return [hosted];
}

function autoCompleteConfig(given: GivenOptions, warnings: string[]): boolean {
  const strict = given.textOrNull('strict-model-config');
  if (strict !== null) {
    warnings.push(
      "'--strict-model-config' has been deprecated! Please use '--disable-auto-complete-config' instead.",
    );
  }
  if (!given.has('disable-auto-complete-config')) return strict === null || !parseBoolean(strict);
  if (strict !== null && !parseBoolean(strict)) {
    warnings.push(
      "Overriding deprecated '--strict-model-config' from False to True in favor of '--disable-auto-complete-config'!",
    );
  }
  return false;
}

function backendOptions(given: GivenOptions): BackendOptions {
  const config = settingsByName(given.all('backend-config'), (text) =>
    parseNamedSetting('backend-config', 'backend', 'optional', text),
  );
  return {
    directory: given.text('backend-directory'),
    config,
    cpuFallback: given.boolean('allow-cpu-fallback'),
    minComputeCapability: given.number('min-supported-compute-capability'),
    hostPolicies: settingsByName(given.all('host-policy'), (text) =>
      parseNamedSetting('host-policy', 'policy', 'required', text),
    ),
  };
}

function settingsByName(
  texts: readonly string[],
  parse: (text: string) => NamedSetting,
): Map<string, Map<string, string>> {
  const byName = new Map<string, Map<string, string>>();
  for (const text of texts) {
    const { name, key, value } = parse(text);
    const settings = byName.get(name) ?? new Map<string, string>();
    byName.set(name, settings.set(key, value));
  }
  return byName;
}

function httpOptions(given: GivenOptions): HttpOptions {
  return {
    allow: given.boolean('allow-http'),
    address: given.text('http-address'),
    port: given.integer('http-port'),
    reusePort: given.boolean('reuse-http-port'),
    bodyBytesMax: given.integer('http-max-input-size'),
    connectionsMax: given.integer('http-max-connections'),
    headerTimeoutMs: given.integer('http-header-timeout-ms'),
    bodyTimeoutMs: given.integer('http-body-timeout-ms'),
    idleTimeoutMs: given.integer('http-idle-timeout-ms'),
    headerForwardPattern: given.text('http-header-forward-pattern'),
    restrictions: restrictions(given, 'http-restricted-api', 'api'),
    openAi: given.boolean('allow-openai')
      ? { defaultMaxTokens: given.integer('openai-default-max-tokens') }
      : null,
    corsOrigins: new Set(given.all('http-cors-origin')),
  };
}

function grpcOptions(given: GivenOptions): GrpcOptions {
  return {
    allow: given.boolean('allow-grpc'),
    address: given.text('grpc-address'),
    port: given.integer('grpc-port'),
    reusePort: given.boolean('reuse-grpc-port'),
    inferCompressionLevel: given.text(
      'grpc-infer-response-compression-level',
    ) as GrpcCompressionLevel,
    tls: grpcTls(given),
    keepalive: grpcKeepalive(given),
    headerForwardPattern: given.text('grpc-header-forward-pattern'),
    restrictions: restrictions(given, 'grpc-restricted-protocol', 'protocol'),
  };
}

function logOptions(given: GivenOptions, env: Environment): LogOptions {
  return {
    info: given.boolean('log-info'),
    warning: given.boolean('log-warning'),
    error: given.boolean('log-error'),
    verboseLevel: Math.max(0, given.integer('log-verbose')),
    format: given.text('log-format') as LogFormat,
    file: given.text('log-file'),
    escapeMessages: env['TRITON_SERVER_ESCAPE_LOG_MESSAGES'] !== '0',
    accessSlowMs: given.boolean('access-log') ? given.number('access-log-slow-ms') : null,
  };
}

function cacheOptions(given: GivenOptions, env: Environment, warnings: string[]): CacheOptions {
  const byteSize = deprecatedCacheSize(given, warnings);
  const settings = settingsByName(given.all('cache-config'), (text) =>
    parseNamedSetting('cache-config', 'cache', 'required', text),
  );
  if (byteSize !== null) settings.set('local', new Map([['size', byteSize]]));
  return {
    settings,
    directory: given.text('cache-directory'),
    redisUser: env['TRITONCACHE_REDIS_USERNAME'] ?? null,
    redisPassword: env['TRITONCACHE_REDIS_PASSWORD'] ?? null,
  };
}

function deprecatedCacheSize(given: GivenOptions, warnings: string[]): string | null {
  const byteSize = given.textOrNull('response-cache-byte-size');
  if (byteSize === null) return null;
  if (given.has('cache-config')) {
    throw new OptionError(
      'Error: Incompatible flags --response-cache-byte-size and --cache-config both provided. Please provide one or the other.',
    );
  }
  warnings.push(
    `'--response-cache-byte-size' has been deprecated! It stands for '--cache-config=local,size=${byteSize}'`,
  );
  return byteSize;
}

/** @throws OptionError for a category in two groups: it would not be clear which one counts. */
function restrictions(given: GivenOptions, flag: string, what: string): readonly Restriction[] {
  const groups = given.all(flag).map((text) => parseRestriction(flag, what, text));
  const seen = new Set<string>();
  for (const category of groups.flatMap(({ categories }) => categories)) {
    if (seen.has(category)) {
      throw new OptionError(
        `restricted ${what} '${category}' can not be specified in multiple config groups`,
      );
    }
    seen.add(category);
  }
  return groups;
}

function checkPorts(options: ServerOptions): void {
  const listeners = [
    { name: 'HTTP', ...options.http },
    { name: 'GRPC', ...options.grpc },
    { name: 'metrics', ...options.metrics },
  ].filter(({ allow, port }) => allow && port !== 0);
  for (const [index, a] of listeners.entries()) {
    for (const b of listeners.slice(index + 1)) {
      if (a.address !== b.address || a.port !== b.port) continue;
      throw new OptionError(
        `The server cannot listen to ${a.name} requests and ${b.name} requests at the same address and port ${a.address}:${a.port}`,
      );
    }
  }
}
