import { CStrings } from './c-strings.ts';
import type { NativeFunction } from './koffi-library.ts';
import { keepAlive, NativeBlock } from './memory.ts';
import { NativeError } from './native-error.ts';
import { callForWord, check, type OrtApi } from './ort-api.ts';

/** An execution provider with its options, as ONNX Runtime spells them. */
export interface OnnxExecutionProvider {
  /** `cuda`, `tensorrt`, `openvino`, …, in any case, with or without `ExecutionProvider`. */
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

/** From most to least talkative. */
export type OnnxLogSeverity = 'verbose' | 'info' | 'warning' | 'error' | 'fatal';

/** How a session is made. */
export interface OnnxSessionOptions {
  /** Threads inside an operator; null: one a physical core, blind to container limits. */
  readonly intraOpThreadCount: number | null;
  /** Threads across operators; used by the `parallel` execution mode only. */
  readonly interOpThreadCount: number | null;
  readonly executionMode: 'sequential' | 'parallel';
  /** Null: the library's default, `all`. */
  readonly graphOptimizationLevel: 'disabled' | 'basic' | 'extended' | 'all' | null;
  /** Whether memory of finished runs is kept for the next ones. */
  readonly memoryArena: boolean;
  /** Whether one block is planned for all intermediate tensors of a shape. */
  readonly memoryPattern: boolean;
  /** `AddSessionConfigEntry` keys, such as `session.intra_op.allow_spinning`. */
  readonly configEntries: Readonly<Record<string, string>>;
  /** In order of preference; the CPU provider always comes last. */
  readonly executionProviders: readonly OnnxExecutionProvider[];
  /** Writes a profile to a file whose name begins so; null: none. */
  readonly profilingPathPrefix: string | null;
  /** Use the pool that the runtime was opened with instead of threads of the session's own. */
  readonly useGlobalThreadPool: boolean;
  /** What the library prints on stderr for this session; null: as the runtime. */
  readonly logSeverity: OnnxLogSeverity | null;
  /** Names the session in those lines. */
  readonly logId: string | null;
}

/** What a session gets for the options that its creator leaves out. */
export const ONNX_SESSION_DEFAULTS: OnnxSessionOptions = {
  intraOpThreadCount: null,
  interOpThreadCount: null,
  executionMode: 'sequential',
  graphOptimizationLevel: null,
  memoryArena: true,
  memoryPattern: true,
  configEntries: {},
  executionProviders: [],
  profilingPathPrefix: null,
  useGlobalThreadPool: false,
  logSeverity: null,
  logId: null,
};

const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;
const SEVERITIES = { verbose: 0, info: 1, warning: 2, error: 3, fatal: 4 } as const;

/** The `OrtLoggingLevel` of a severity. */
export function logSeverityCode(severity: OnnxLogSeverity): number {
  return SEVERITIES[severity];
}

/** Calls `use` with the keys and values of a record as C arrays of strings. */
function withEntries(
  record: Readonly<Record<string, string>>,
  use: (keys: number, values: number, count: number) => void,
): void {
  const entries = Object.entries(record);
  const strings = new CStrings(entries.flat());
  const block = new NativeBlock(Math.max(16, entries.length * 16));
  entries.forEach(([key, value], index) => {
    block.write(index, strings.addressOf(key));
    block.write(entries.length + index, strings.addressOf(value));
  });
  use(block.at(0), block.at(entries.length), entries.length);
  keepAlive(strings, block);
}

/** CUDA and TensorRT: an options object that is made, filled, appended and released. */
function appendWithObject(
  api: OrtApi,
  options: number,
  provider: OnnxExecutionProvider,
  kind: 'CUDA' | 'TensorRT',
): void {
  const { functions } = api;
  const object = callForWord(api, functions[`Create${kind}ProviderOptions`]);
  try {
    withEntries(provider.options, (keys, values, count) => {
      const update = functions[`Update${kind}ProviderOptions`];
      if (count > 0) check(api, update(object, keys, values, count));
    });
    check(api, functions[`SessionOptionsAppendExecutionProvider_${kind}_V2`](options, object));
  } finally {
    functions[`Release${kind}ProviderOptions`](object);
  }
}

function appendWithEntries(
  api: OrtApi,
  options: number,
  provider: OnnxExecutionProvider,
  append: NativeFunction | null,
): void {
  if (append === null) {
    throw new NativeError('UNSUPPORTED', `ONNX Runtime ${api.libraryVersion} is too old for it`);
  }
  withEntries(provider.options, (keys, values, count) => {
    check(api, append(options, keys, values, count));
  });
}

/** Names that `SessionOptionsAppendExecutionProvider` wants in its own spelling. */
const GENERIC_NAMES: Readonly<Record<string, string>> = {
  qnn: 'QNN',
  snpe: 'SNPE',
  xnnpack: 'XNNPACK',
  azure: 'AZURE',
  coreml: 'CoreML',
  webgpu: 'WebGPU',
  dml: 'DML',
};

function appendProvider(api: OrtApi, options: number, provider: OnnxExecutionProvider): void {
  const { functions } = api;
  const name = provider.name.toLowerCase().replace(/_?executionprovider$/, '');
  switch (name) {
    case 'cpu':
      return;
    case 'cuda':
      appendWithObject(api, options, provider, 'CUDA');
      return;
    case 'tensorrt':
      appendWithObject(api, options, provider, 'TensorRT');
      return;
    case 'openvino': {
      const append = functions.SessionOptionsAppendExecutionProvider_OpenVINO_V2;
      appendWithEntries(api, options, provider, append);
      return;
    }
    case 'vitisai': {
      const append = functions.SessionOptionsAppendExecutionProvider_VitisAI;
      appendWithEntries(api, options, provider, append);
      return;
    }
    default: {
      const spelled = GENERIC_NAMES[name] ?? provider.name;
      withEntries(provider.options, (keys, values, count) => {
        const append = functions.SessionOptionsAppendExecutionProvider;
        check(api, append(options, spelled, keys, values, count));
      });
    }
  }
}

function appendProviders(
  api: OrtApi,
  options: number,
  providers: readonly OnnxExecutionProvider[],
): void {
  for (const provider of providers) {
    try {
      appendProvider(api, options, provider);
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      throw new NativeError(
        error.code,
        `failed to add execution provider '${provider.name}': ${error.message}`,
        { cause: error },
      );
    }
  }
}

/** ONNX Runtime takes a negative count without a word, and starts as many threads as it is told. */
const THREAD_COUNT_MAX = 1024;

/** Throws INVALID_ARGUMENT for what is no thread count; 0 leaves it to the library. */
export function checkThreadCount(count: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= THREAD_COUNT_MAX) return count;
  throw new NativeError('INVALID_ARGUMENT', `invalid thread count ${count}`);
}

function applyScalars(api: OrtApi, handle: number, options: OnnxSessionOptions): void {
  const { functions } = api;
  const apply = (fn: NativeFunction, ...args: readonly (number | string)[]): void =>
    check(api, fn(handle, ...args));
  if (options.intraOpThreadCount !== null) {
    apply(functions.SetIntraOpNumThreads, checkThreadCount(options.intraOpThreadCount));
  }
  if (options.interOpThreadCount !== null) {
    apply(functions.SetInterOpNumThreads, checkThreadCount(options.interOpThreadCount));
  }
  apply(functions.SetSessionExecutionMode, options.executionMode === 'parallel' ? 1 : 0);
  if (options.graphOptimizationLevel !== null) {
    const level = OPTIMIZATION_LEVELS[options.graphOptimizationLevel];
    apply(functions.SetSessionGraphOptimizationLevel, level);
  }
  apply(options.memoryArena ? functions.EnableCpuMemArena : functions.DisableCpuMemArena);
  apply(options.memoryPattern ? functions.EnableMemPattern : functions.DisableMemPattern);
  if (options.logSeverity !== null) {
    apply(functions.SetSessionLogSeverityLevel, logSeverityCode(options.logSeverity));
  }
  if (options.logId !== null) apply(functions.SetSessionLogId, options.logId);
  if (options.profilingPathPrefix !== null) {
    apply(functions.EnableProfiling, options.profilingPathPrefix);
  }
  if (options.useGlobalThreadPool) apply(functions.DisablePerSessionThreads);
}

/** Makes an `OrtSessionOptions *` of our options; the caller releases it. */
export function createSessionOptions(api: OrtApi, options: OnnxSessionOptions): number {
  const { functions } = api;
  const handle = callForWord(api, functions.CreateSessionOptions);
  try {
    applyScalars(api, handle, options);
    for (const [key, value] of Object.entries(options.configEntries)) {
      check(api, functions.AddSessionConfigEntry(handle, key, value));
    }
    appendProviders(api, handle, options.executionProviders);
    return handle;
  } catch (error) {
    functions.ReleaseSessionOptions(handle);
    throw error;
  }
}
