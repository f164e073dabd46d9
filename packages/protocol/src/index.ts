export {
  type DataType,
  dataTypeFromConfig,
  dataTypes,
  dataTypeToConfig,
  elementByteSize,
  isDataType,
} from './data-type.ts';
export { grpcStatusByCode, httpStatusByCode, type StatusCode } from './status-code.ts';
export type { Tensor } from './tensor.ts';
export { TritonError } from './triton-error.ts';
export * from './model-config/index.ts';
