import type { OnnxSessionOptions } from '@nereid/native';
import { type ModelConfig, TritonError } from '@nereid/protocol';
import { executionProviders } from './execution-providers.ts';

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
 * @param device number of the GPU that the instances run on, null for the CPU.
 * @throws TritonError INVALID_ARG that names the parameter.
 */
export function sessionSettings(
  config: ModelConfig,
  backendConfig: ReadonlyMap<string, string>,
  cpuCount: number,
  device: number | null,
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
      executionProviders: executionProviders(config, device, read),
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

function parameterError(config: ModelConfig, text: string): TritonError {
  return new TritonError('INVALID_ARG', `${text} (parameters of model '${config.name}')`);
}
