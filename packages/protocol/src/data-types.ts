export { bytesElements, bytesLengthBytes } from './bytes-elements.ts';
export {
  type DataType,
  dataTypes,
  elementByteSize,
  isDataType,
} from './data-type.ts';
export { elementArrayTypes } from './element-array-types.ts';
export { grpcStatusNames } from './grpc-status-names.ts';
export {
  fromBfloat16Bits,
  fromFloat16Bits,
  toBfloat16Bits,
  toFloat16Bits,
} from './half-float.ts';
export type { StatusCode } from './status-code.ts';
