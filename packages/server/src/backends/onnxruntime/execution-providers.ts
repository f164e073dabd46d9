import type { OnnxExecutionProvider } from '@nereid/native';
import { type ModelConfig, TritonError } from '@nereid/protocol';

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

/** Triton's names of TensorRT parameters where they are not ONNX Runtime's. */
const tensorRtNames: Readonly<Record<string, string>> = {
  max_workspace_size_bytes: 'trt_max_workspace_size',
  int8_calibration_table_name: 'trt_int8_calibration_table_name',
  int8_use_native_calibration_table: 'trt_int8_use_native_calibration_table',
};

const precisions: Readonly<Record<string, string | null>> = {
  FP32: null,
  FP16: 'trt_fp16_enable',
  BF16: 'trt_bf16_enable',
  INT8: 'trt_int8_enable',
};

/**
 * What a session runs on, the most wanted first: on a GPU its accelerators and CUDA, then those of the CPU.
 *
 * @param device number of the GPU, null for the CPU alone.
 * @param read gives a parameter of the model, or its default from the command line.
 */
export function executionProviders(
  config: ModelConfig,
  device: number | null,
  read: (name: string) => string | null,
): readonly OnnxExecutionProvider[] {
  const accelerators = config.optimization?.execution_accelerators;
  const providers = (accelerators?.cpu_execution_accelerator ?? []).map(
    ({ name, parameters }): OnnxExecutionProvider => ({
      name,
      options: Object.fromEntries(parameters),
    }),
  );
  if (device === null) return providers;
  const place = { device_id: String(device) };
  const cuda = { ...place, ...cudaOptions(read) };
  const wanted = (accelerators?.gpu_execution_accelerator ?? []).map(({ name, parameters }) => {
    if (name === 'cuda') return { name, options: { ...cuda, ...Object.fromEntries(parameters) } };
    if (name !== 'tensorrt') return { name, options: Object.fromEntries(parameters) };
    return { name, options: { ...place, ...tensorRtOptions(config, parameters) } };
  });
  const hasCuda = wanted.some(({ name }) => name === 'cuda');
  return [...wanted, ...(hasCuda ? [] : [{ name: 'cuda', options: cuda }]), ...providers];
}

function cudaOptions(read: (name: string) => string | null): Record<string, string> {
  const options: Record<string, string> = {};
  for (const name of cudaParameterNames) {
    const value = read(name);
    if (value !== null) options[name] = cudaValueNames[name]?.[Number(value)] ?? value;
  }
  return options;
}

function tensorRtOptions(
  config: ModelConfig,
  parameters: ReadonlyMap<string, string>,
): Record<string, string> {
  const options: Record<string, string> = {};
  for (const [name, value] of parameters) {
    if (name !== 'precision_mode') {
      options[tensorRtNames[name] ?? name] = value;
      continue;
    }
    const precision = Object.hasOwn(precisions, value) ? precisions[value] : undefined;
    if (precision === undefined) {
      throw new TritonError(
        'INVALID_ARG',
        `unsupported precision mode '${value}' is requested (model '${config.name}')`,
      );
    }
    if (precision !== null) options[precision] = '1';
  }
  return options;
}
