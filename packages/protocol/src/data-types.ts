export {
  type DataType,
  dataTypes,
  elementByteSize,
  isDataType,
} from './data-type.ts';
export {
  fromBfloat16Bits,
  fromFloat16Bits,
  toBfloat16Bits,
  toFloat16Bits,
} from './half-float.ts';
