export { type CpuQuotaSource, cpuQuota } from './cpu-quota.ts';
export { type CudaDevice, cudaDevices } from './cuda-devices.ts';
export { type CudaDriver, type CudaMemory, cudaDriver } from './cuda-memory.ts';
export type { DataType } from './data-type.ts';
export { defaultLibraryPath, hasCudaProvider } from './library-path.ts';
export { addressOf, allocateAligned, allocateFixed, mallocTrim } from './memory.ts';
export { MemoryFile } from './memory-file.ts';
export type { OnnxModelMetadata } from './model-metadata.ts';
export { threadPoolSize } from './native-call-limit.ts';
export { NativeError } from './native-error.ts';
export { type GpuReading, Nvml } from './nvml.ts';
export {
  type OnnxGlobalThreadPool,
  type OnnxModelSource,
  OnnxRuntime,
  type OnnxRuntimeOptions,
} from './onnx-runtime.ts';
export type { OnnxAsyncRunOptions, OnnxRunOptions, OnnxSession } from './onnx-session.ts';
export type { OnnxTensor } from './onnx-tensor.ts';
export {
  ONNX_SESSION_DEFAULTS,
  type OnnxExecutionProvider,
  type OnnxLogSeverity,
  type OnnxSessionOptions,
} from './session-options.ts';
export { SharedMemoryMapping } from './shared-memory-mapping.ts';
export { pageBytes, SharedMemoryObject } from './shared-memory-object.ts';
export type { OnnxInput } from './tensor-run.ts';
export type { OnnxValueInfo, OnnxValueKind } from './value-info.ts';
