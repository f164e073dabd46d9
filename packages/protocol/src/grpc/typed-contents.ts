import { type DataType, elementByteSize } from '../data-type.ts';
import { TritonError } from '../triton-error.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { unreadable, type WireReader } from './wire-reader.ts';

/** How one field of `InferTensorContents` is packed, and the data type of its elements. */
interface ContentsField {
  readonly dataType: DataType;
  /** Bytes of an element on the wire; 0 for varints, -1 for bytes with a length. */
  readonly wireBytes: 0 | 4 | 8 | -1;
  /** Bytes of an element as it is kept. */
  readonly keptBytes: number;
}

/** By field number less 1, in the order in which Triton looks at them. */
const fields: readonly ContentsField[] = [
  { dataType: 'BOOL', wireBytes: 0, keptBytes: 1 },
  { dataType: 'INT32', wireBytes: 0, keptBytes: 4 },
  { dataType: 'INT64', wireBytes: 0, keptBytes: 8 },
  { dataType: 'UINT32', wireBytes: 0, keptBytes: 4 },
  { dataType: 'UINT64', wireBytes: 0, keptBytes: 8 },
  { dataType: 'FP32', wireBytes: 4, keptBytes: 4 },
  { dataType: 'FP64', wireBytes: 8, keptBytes: 8 },
  { dataType: 'BYTES', wireBytes: -1, keptBytes: 0 },
];

/** Types that share a field with a wider one, of which they take the lowest bytes. */
const narrowOf: Readonly<Partial<Record<DataType, readonly DataType[]>>> = {
  INT32: ['INT8', 'INT16'],
  UINT32: ['UINT8', 'UINT16'],
};

/** An input's `contents`: elements as protobuf's typed fields, read into wire form of tensors. */
export class TypedContents {
  /** By field, little-endian, `keptBytes` an element. */
  readonly #data: (GrowingBytes | null)[] = [null, null, null, null, null, null, null, null];

  /** Reads one occurrence of the field `contents`; a second one adds to the first. */
  read(reader: WireReader): void {
    const outerEnd = reader.end;
    const end = reader.lengthEnd();
    reader.end = end;
    while (reader.at < end) {
      const tag = reader.tag();
      const index = (tag >>> 3) - 1;
      const field = fields[index];
      const type = tag & 7;
      if (field === undefined) reader.skip(tag);
      else if (type === 2) this.#readPacked(reader, field, index);
      else if (type === unpackedType(field)) this.#append(index, oneElement(reader, field));
      else reader.skip(tag);
    }
    reader.end = outerEnd;
  }

  /**
   * The elements as a tensor of `dataType`, which are none where `contents` was empty.
   *
   * @throws TritonError INVALID_ARG where they are in a field for another type, or in two.
   */
  tensorData(dataType: DataType, inputName: string, modelName: string): Uint8Array {
    let data: Uint8Array | null = null;
    for (let index = 0; index < fields.length; index++) {
      const all = this.#data[index]?.view() ?? null;
      if (all === null) continue;
      const field = fields[index] as ContentsField;
      if (data !== null) {
        throw unexpectedData(inputName, modelName, ', binary data was already supplied.');
      }
      const narrow = narrowOf[field.dataType]?.includes(dataType) === true;
      if (field.dataType !== dataType && !narrow) {
        const types = ` of type '${field.dataType}', expected datatype '${dataType}'`;
        throw unexpectedData(inputName, modelName, types);
      }
      data = narrow ? lowestBytes(all, field.keptBytes, elementByteSize(dataType)) : all;
    }
    return data ?? new Uint8Array(0);
  }

  #readPacked(reader: WireReader, field: ContentsField, index: number): void {
    if (field.wireBytes === -1) {
      const text = reader.view();
      this.#append(index, lengthPrefix(text.length));
      this.#append(index, text);
    } else {
      this.#append(index, packed(reader, field));
    }
  }

  #append(index: number, piece: Uint8Array): void {
    if (piece.length === 0) return;
    const data = this.#data[index] ?? null;
    if (data === null) this.#data[index] = new GrowingBytes(piece);
    else data.append(piece);
  }
}

function lengthPrefix(length: number): Uint8Array {
  return Uint8Array.of(length, length >>> 8, length >>> 16, length >>> 24);
}

function unexpectedData(inputName: string, modelName: string, rest: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `unexpected explicit tensor data for input tensor '${inputName}' for model '${modelName}'${rest}`,
  );
}

function unpackedType({ wireBytes }: ContentsField): number {
  if (wireBytes === 0) return 0;
  if (wireBytes === 4) return 5;
  return wireBytes === 8 ? 1 : -1;
}

/** An element by itself: rare, as proto3 packs them. */
function oneElement(reader: WireReader, field: ContentsField): Uint8Array {
  return field.wireBytes === 0
    ? singleVarint(reader, field)
    : fixed(reader, field.wireBytes, reader.end);
}

function packed(reader: WireReader, field: ContentsField): Uint8Array {
  const end = reader.lengthEnd();
  if (field.wireBytes > 0) {
    if ((end - reader.at) % field.wireBytes !== 0) throw unreadable();
    return fixed(reader, end - reader.at, end);
  }
  return varints(reader, end, field);
}

function fixed(reader: WireReader, length: number, end: number): Uint8Array {
  if (reader.at + length > end) throw unreadable();
  const { buffer, byteOffset } = reader.bytes;
  const view = new Uint8Array(buffer, byteOffset + reader.at, length);
  reader.at += length;
  return view;
}

function singleVarint(reader: WireReader, field: ContentsField): Uint8Array {
  let end = reader.at;
  while (end < reader.end && (reader.bytes[end] as number) >= 0x80) end++;
  if (end >= reader.end) throw unreadable();
  return varints(reader, end + 1, field);
}

/** Varints up to `end`, each cut to the bytes of its type. */
function varints(reader: WireReader, end: number, { keptBytes }: ContentsField): Uint8Array {
  const { bytes } = reader;
  let count = 0;
  for (let at = reader.at; at < end; at++) if ((bytes[at] as number) < 0x80) count++;
  if (end > reader.at && (bytes[end - 1] as number) >= 0x80) throw unreadable();
  const data = new Uint8Array(count * keptBytes);
  const view = new DataView(data.buffer);
  let at = reader.at;
  for (let offset = 0; offset < data.length; offset += keptBytes) {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift >= 70) throw unreadable();
      const byte = bytes[at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= bits << 31;
      if (byte < 0x80) break;
    }
    if (keptBytes === 1) data[offset] = (low | high) === 0 ? 0 : 1;
    else view.setInt32(offset, low, true);
    if (keptBytes === 8) view.setInt32(offset + 4, high, true);
  }
  reader.at = end;
  return data;
}

function lowestBytes(data: Uint8Array, from: number, to: number): Uint8Array {
  const count = data.length / from;
  const narrow = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < to; byte++) narrow[i * to + byte] = data[i * from + byte] as number;
  }
  return narrow;
}
