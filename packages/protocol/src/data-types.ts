export { bytesElements, bytesLengthBytes } from './bytes-elements.ts';
export {
  type DataType,
  dataTypes,
  elementByteSize,
  isDataType,
} from './data-type.ts';
export { grpcStatusNames } from './grpc-status-names.ts';
export {
  fromBfloat16Bits,
  fromFloat16Bits,
  toBfloat16Bits,
  toFloat16Bits,
} from './half-float.ts';
