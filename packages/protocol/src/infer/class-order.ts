import type { DataType } from '../data-type.ts';
import type { OrderKeys } from './element-order.ts';

/** Data types whose values have an order that classes are told in. */
export type OrderedType = Exclude<DataType, 'BYTES' | 'BOOL' | 'FP16' | 'BF16'>;

const signBit = 0x8000_0000;
const allButSign = 0x7fff_ffff;
const infinity32 = 0x7f80_0000;
const infinityHigh64 = 0x7ff0_0000;
/** Behind minus infinity: what is no number comes last. */
const lastKey = 0xffff_ffff;

/**
 * Keys of values from the largest to the smallest. The two zeros are the same; what is no number comes last.
 * The bits of the values are turned into whole numbers with that order, so that none of them becomes an object.
 *
 * @param data little-endian, at a multiple of the element's size in its buffer.
 */
export function descendingKeys(dataType: OrderedType, data: Uint8Array): OrderKeys {
  const { buffer, byteOffset, byteLength } = data;
  switch (dataType) {
    case 'FP32':
      return { high: floatKeys(new Uint32Array(buffer, byteOffset, byteLength / 4)), low: null };
    case 'FP64':
      return doubleKeys(new Uint32Array(buffer, byteOffset, byteLength / 4));
    case 'INT64':
      return wideKeys(new Uint32Array(buffer, byteOffset, byteLength / 4), allButSign);
    case 'UINT64':
      return wideKeys(new Uint32Array(buffer, byteOffset, byteLength / 4), lastKey);
    case 'INT32':
      return narrowKeys(new Int32Array(buffer, byteOffset, byteLength / 4), allButSign, 0);
    case 'UINT32':
      return narrowKeys(new Uint32Array(buffer, byteOffset, byteLength / 4), lastKey, 0);
    case 'INT16':
      return narrowKeys(new Int16Array(buffer, byteOffset, byteLength / 2), 0x7fff, 16);
    case 'UINT16':
      return narrowKeys(new Uint16Array(buffer, byteOffset, byteLength / 2), 0xffff, 16);
    case 'INT8':
      return narrowKeys(new Int8Array(buffer, byteOffset, byteLength), 0x7f, 24);
    case 'UINT8':
      return narrowKeys(data, 0xff, 24);
  }
}

function floatKeys(words: Uint32Array): Uint32Array {
  const { length } = words;
  const keys = new Uint32Array(length);
  for (let index = 0; index < length; index++) {
    const word = words[index]!;
    if ((word & allButSign) > infinity32) keys[index] = lastKey;
    else if (word > signBit) keys[index] = word;
    else keys[index] = allButSign - (word & allButSign);
  }
  return keys;
}

/** @param words Low and high half of one value after the other. */
function doubleKeys(words: Uint32Array): OrderKeys {
  const length = words.length / 2;
  const high = new Uint32Array(length);
  const low = new Uint32Array(length);
  for (let index = 0; index < length; index++) {
    const lowWord = words[2 * index]!;
    const highWord = words[2 * index + 1]!;
    const magnitude = highWord & allButSign;
    if (magnitude > infinityHigh64 || (magnitude === infinityHigh64 && lowWord !== 0)) {
      high[index] = lastKey;
      low[index] = lastKey;
    } else if (highWord >= signBit && (magnitude !== 0 || lowWord !== 0)) {
      high[index] = highWord;
      low[index] = lowWord;
    } else {
      high[index] = allButSign - magnitude;
      low[index] = ~lowWord;
    }
  }
  return { high, low };
}

/** @param largest The high half of the largest value. */
function wideKeys(words: Uint32Array, largest: number): OrderKeys {
  const length = words.length / 2;
  const high = new Uint32Array(length);
  const low = new Uint32Array(length);
  for (let index = 0; index < length; index++) {
    low[index] = ~words[2 * index]!;
    high[index] = largest - words[2 * index + 1]!;
  }
  return { high, low };
}

/** @param largest The largest value. @param shift Brings the key to the highest bits, which are looked at first. */
function narrowKeys(
  values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array,
  largest: number,
  shift: number,
): OrderKeys {
  const { length } = values;
  const high = new Uint32Array(length);
  for (let index = 0; index < length; index++) high[index] = (largest - values[index]!) << shift;
  return { high, low: null };
}
