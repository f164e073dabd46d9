/** Element types by their names on the inference wire (KServe v2, with Triton's BYTES and BF16). */
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

const byteSizes: Readonly<Record<DataType, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
  BF16: 2,
};

/** Every data type, in no meaningful order. */
export const dataTypes: readonly DataType[] = Object.keys(byteSizes) as DataType[];

/** Bytes of one element; 0 for BYTES, whose elements differ in size. */
export function elementByteSize(dataType: DataType): number {
  return byteSizes[dataType];
}

/** True for a wire name that exists. Own properties only, so `constructor` is none. */
export function isDataType(name: string): name is DataType {
  return Object.hasOwn(byteSizes, name);
}

/** TYPE_FP32 → FP32, TYPE_STRING → BYTES; null for TYPE_INVALID and for what is no type. */
export function dataTypeFromConfig(name: string): DataType | null {
  if (name === 'TYPE_STRING') return 'BYTES';
  const wire = name.startsWith('TYPE_') ? name.slice('TYPE_'.length) : '';
  return wire !== 'BYTES' && isDataType(wire) ? wire : null;
}

/** FP32 → TYPE_FP32, BYTES → TYPE_STRING. */
export function dataTypeToConfig(
  dataType: DataType,
): `TYPE_${Exclude<DataType, 'BYTES'> | 'STRING'}` {
  return dataType === 'BYTES' ? 'TYPE_STRING' : `TYPE_${dataType}`;
}
