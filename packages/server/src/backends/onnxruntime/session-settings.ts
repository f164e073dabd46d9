import type { OnnxExecutionProvider, OnnxSessionOptions } from '@nereid/native';
import { type ModelConfig, TritonError } from '@nereid/protocol';

/** What one model's configuration says about its session and its runs. */
export interface SessionSettings {
  readonly session: Partial<OnnxSessionOptions>;
  /** Of every run; null when there is nothing to say. */
  readonly runConfigEntries: Readonly<Record<string, string>> | null;
}

/** Model parameters that are ONNX Runtime session configuration entries under the same name. */
const sessionEntryNames: readonly string[] = [
  'session.use_device_allocator_for_initializers',
  'session.intra_op.allow_spinning',
  'session.inter_op.allow_spinning',
  'session.disable_prepacking',
  'session.set_denormal_as_zero',
];

const arenaShrinkage = 'memory.enable_memory_arena_shrinkage';

/** Threads that one model may ask for. */
const threadCountMax = 1024;

/**
 * Reads `parameters` and `optimization` of an ONNX model, by the names of Triton's backend. Values
 * of `--backend-config=onnxruntime,name=value` are the defaults of the parameters of the same name.
 *
 * @param cpuCount CPUs that this process may use: the threads of a session that names no number.
 * @param gpu whether the instances run on a GPU, which then needs the CUDA provider.
 * @throws TritonError INVALID_ARG that names the parameter.
 */
export function sessionSettings(
  config: ModelConfig,
  backendConfig: ReadonlyMap<string, string>,
  cpuCount: number,
  gpu: boolean,
): SessionSettings {
  const read = (name: string): string | null =>
    config.parameters.get(name)?.string_value ?? backendConfig.get(name) ?? null;
  const entries: Record<string, string> = {};
  for (const name of sessionEntryNames) {
    const value = read(name);
    if (value !== null) entries[name] = value;
  }
  const shrinkage = read(arenaShrinkage);
  const profiling = read('profiling');
  return {
    session: {
      intraOpThreadCount: threadCount(config, read('intra_op_thread_count')) ?? cpuCount,
      interOpThreadCount: threadCount(config, read('inter_op_thread_count')) ?? cpuCount,
      executionMode: executionMode(config, read('execution_mode')),
      graphOptimizationLevel: graphLevel(config),
      memoryArena: flag(config, 'enable_mem_arena', read('enable_mem_arena'), true),
      memoryPattern: flag(config, 'enable_mem_pattern', read('enable_mem_pattern'), true),
      useGlobalThreadPool: backendConfig.get('enable-global-threadpool') === '1',
      configEntries: entries,
      executionProviders: executionProviders(config, gpu, read),
      profilingPathPrefix: profiling,
      logId: config.name,
    },
    runConfigEntries: shrinkage === null ? null : { [arenaShrinkage]: shrinkage },
  };
}

/** Null for 0 and for nothing: the default. */
function threadCount(config: ModelConfig, value: string | null): number | null {
  if (value === null) return null;
  const count = Number(value);
  if (!Number.isInteger(count) || value.trim() === '' || count > threadCountMax) {
    throw parameterError(
      config,
      `thread counts must be whole numbers from 0 to ${threadCountMax}, got '${value}'`,
    );
  }
  return count > 0 ? count : null;
}

function executionMode(config: ModelConfig, value: string | null): 'sequential' | 'parallel' {
  if (value === null || value === '0') return 'sequential';
  if (value === '1') return 'parallel';
  throw parameterError(
    config,
    `Invalid configuration value provided. Expected values for execution_mode are 0 or 1 but got ${value} .`,
  );
}

function graphLevel(config: ModelConfig): 'disabled' | 'basic' | 'extended' | 'all' {
  switch (config.optimization?.graph?.level ?? 0) {
    case -1:
      return 'basic';
    case 1:
      return 'extended';
    case 2:
      return 'disabled';
    default:
      return 'all';
  }
}

function flag(
  config: ModelConfig,
  name: string,
  value: string | null,
  defaultValue: boolean,
): boolean {
  if (value === null) return defaultValue;
  const text = value.toLowerCase();
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw parameterError(config, `parameter '${name}' must be 0, 1, true or false, got '${value}'`);
}

/** CUDA options that Triton takes as model parameters. */
const cudaParameterNames: readonly string[] = [
  'gpu_mem_limit',
  'arena_extend_strategy',
  'do_copy_in_default_stream',
  'cudnn_conv_algo_search',
];

/** Triton's numbers for what ONNX Runtime calls by name. */
const cudaValueNames: Readonly<Record<string, readonly string[]>> = {
  arena_extend_strategy: ['kNextPowerOfTwo', 'kSameAsRequested'],
  cudnn_conv_algo_search: ['EXHAUSTIVE', 'HEURISTIC', 'DEFAULT'],
};

function executionProviders(
  config: ModelConfig,
  gpu: boolean,
  read: (name: string) => string | null,
): readonly OnnxExecutionProvider[] {
  const accelerators = config.optimization?.execution_accelerators;
  const providers: OnnxExecutionProvider[] = [];
  for (const { name, parameters } of accelerators?.cpu_execution_accelerator ?? []) {
    providers.push({ name, options: Object.fromEntries(parameters) });
  }
  if (!gpu) return providers;
  const named = (accelerators?.gpu_execution_accelerator ?? []).map(({ name, parameters }) => ({
    name,
    options: Object.fromEntries(parameters),
  }));
  const cuda: Record<string, string> = {};
  for (const name of cudaParameterNames) {
    const value = read(name);
    if (value !== null) cuda[name] = cudaValueNames[name]?.[Number(value)] ?? value;
  }
  const hasCuda = named.some(({ name }) => name === 'cuda');
  return [
    ...named.map(({ name, options }) => ({
      name,
      options: name === 'cuda' ? { ...cuda, ...options } : options,
    })),
    ...(hasCuda ? [] : [{ name: 'cuda', options: cuda }]),
    ...providers,
  ];
}

function parameterError(config: ModelConfig, text: string): TritonError {
  return new TritonError('INVALID_ARG', `${text} (parameters of model '${config.name}')`);
}
