/** Triton's data type names, those that a tensor of ONNX Runtime can have. */
export type DataType =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'FP32'
  | 'FP64'
  | 'BYTES'
  | 'BF16';

interface ElementType {
  /** ONNX's name, as in `tensor(float)`. */
  readonly onnxName: string;
  readonly dataType: DataType | null;
  /** Bytes an element; 0 for strings and for types that we do not carry. */
  readonly byteSize: number;
}

function element(onnxName: string, dataType: DataType | null, byteSize: number): ElementType {
  return { onnxName, dataType, byteSize };
}

/** `ONNXTensorElementDataType`; the position is the value. */
const ELEMENT_TYPES: readonly ElementType[] = [
  element('undefined', null, 0),
  element('float', 'FP32', 4),
  element('uint8', 'UINT8', 1),
  element('int8', 'INT8', 1),
  element('uint16', 'UINT16', 2),
  element('int16', 'INT16', 2),
  element('int32', 'INT32', 4),
  element('int64', 'INT64', 8),
  element('string', 'BYTES', 0),
  element('bool', 'BOOL', 1),
  element('float16', 'FP16', 2),
  element('double', 'FP64', 8),
  element('uint32', 'UINT32', 4),
  element('uint64', 'UINT64', 8),
  element('complex64', null, 0),
  element('complex128', null, 0),
  element('bfloat16', 'BF16', 2),
  element('float8e4m3fn', null, 0),
  element('float8e4m3fnuz', null, 0),
  element('float8e5m2', null, 0),
  element('float8e5m2fnuz', null, 0),
  element('uint4', null, 0),
  element('int4', null, 0),
  element('float4e2m1', null, 0),
  element('uint2', null, 0),
  element('int2', null, 0),
  element('float8e8m0', null, 0),
];

/** The value of ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING. */
export const ELEMENT_TYPE_STRING = 8;

const UNKNOWN_ELEMENT: ElementType = element('unknown', null, 0);

/** What an `ONNXTensorElementDataType` value means. */
export function elementTypeOf(code: number): ElementType {
  return ELEMENT_TYPES[code] ?? UNKNOWN_ELEMENT;
}

const CODES = new Map<string, number>(
  ELEMENT_TYPES.flatMap((type, code) => (type.dataType === null ? [] : [[type.dataType, code]])),
);

/** The `ONNXTensorElementDataType` value of a data type. */
export function elementTypeCode(dataType: DataType): number {
  const code = CODES.get(dataType);
  if (code === undefined) throw new TypeError(`no ONNX element type for ${String(dataType)}`);
  return code;
}
