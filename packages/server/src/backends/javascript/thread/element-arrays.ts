import { type DataType, elementArrayTypes, elementByteSize } from '@nereid/protocol/data-types';

type ArrayKind =
  | typeof Uint8Array
  | typeof Int8Array
  | typeof Uint16Array
  | typeof Int16Array
  | typeof Uint32Array
  | typeof Int32Array
  | typeof BigUint64Array
  | typeof BigInt64Array
  | typeof Float32Array
  | typeof Float64Array;

/** The kind of array that elements of a type are in. */
const arrayKinds: Readonly<Record<Exclude<DataType, 'BYTES'>, ArrayKind>> = elementArrayTypes;

/** The elements as an array of their type, on the same memory where that lies as it must. */
export function elementsOf(
  dataType: Exclude<DataType, 'BYTES'>,
  bytes: Uint8Array,
): ArrayBufferView {
  const kind = arrayKinds[dataType];
  const size = elementByteSize(dataType);
  const own = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new kind(own.buffer as ArrayBuffer, own.byteOffset, own.byteLength / size);
}

/** Whether an array is of the kind that elements of this type are in. */
export function holdsType(array: ArrayBufferView, dataType: Exclude<DataType, 'BYTES'>): boolean {
  const kind = arrayKinds[dataType];
  return array instanceof kind || (kind === Uint8Array && array instanceof Uint8ClampedArray);
}

/** The type that an array stands for where nothing else says it; null for what is no array of numbers. */
export function typeOfArray(array: unknown): Exclude<DataType, 'BYTES'> | null {
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return 'UINT8';
  const types = Object.keys(arrayKinds) as Exclude<DataType, 'BYTES'>[];
  const found = types.find((type) => type !== 'BOOL' && array instanceof arrayKinds[type]);
  return found ?? null;
}

/** A typed array of plain numbers. @throws TypeError, RangeError or SyntaxError for what is no number. */
export function arrayOf(
  dataType: Exclude<DataType, 'BYTES'>,
  values: readonly unknown[],
): ArrayBufferView {
  const kind = arrayKinds[dataType];
  if (kind === BigInt64Array || kind === BigUint64Array) {
    return new kind(values.map((value) => BigInt(value as number)));
  }
  const numbers = values.map((value) => {
    if (typeof value === 'string' || typeof value === 'object') {
      throw new TypeError(`${JSON.stringify(value)} is no number`);
    }
    return Number(value);
  });
  return new (kind as typeof Float64Array)(numbers);
}
