import { type DataType, Tensor, type TensorDataOf, tensor } from '@nereid/client';
import { elementArrayTypes } from '@nereid/protocol/data-types';
import { CommandError } from '../command/exit-status.ts';

const magic = Buffer.from('\u0093NUMPY', 'latin1');
const headerBytesMax = 1_048_576;
const alignment = 64;

/** NumPy's names of element types without their byte order; FP16 and BF16 are their bits. */
const types: Readonly<Record<string, DataType>> = {
  b1: 'BOOL',
  u1: 'UINT8',
  u2: 'UINT16',
  u4: 'UINT32',
  u8: 'UINT64',
  i1: 'INT8',
  i2: 'INT16',
  i4: 'INT32',
  i8: 'INT64',
  f2: 'FP16',
  f4: 'FP32',
  f8: 'FP64',
};

/** Elements that lie in memory as they travel, little end first. */
export function tensorOfBytes(
  datatype: Exclude<DataType, 'BYTES'>,
  shape: readonly number[],
  bytes: Uint8Array,
): Tensor {
  const copy = new Uint8Array(bytes).buffer;
  const data = new elementArrayTypes[datatype](copy) as TensorDataOf[Exclude<DataType, 'BYTES'>];
  return new Tensor(datatype, shape, data);
}

/** Reads a `.npy` file: numbers, booleans, byte strings and text. @throws CommandError */
export function readNpy(bytes: Buffer, path: string): Tensor {
  const { descr, isFortran, shape, dataAt } = readHeader(bytes, path);
  const [, order = '', kind = '', size = ''] = /^([<>|=]?)([a-zA-Z])(\d+)$/u.exec(descr) ?? [];
  const given = bytes.subarray(dataAt);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const isText = kind === 'S' || kind === 'U';
  const datatype = types[`${kind}${size}`];
  if (!isText && datatype === undefined) {
    throw new CommandError(`${path} holds elements of the type '${descr}', which no tensor has`);
  }
  const width = Number(size) * (kind === 'U' ? 4 : 1);
  if (given.length !== count * width) {
    throw new CommandError(`${path} holds ${given.length} bytes instead of ${count * width}`);
  }
  const data = isFortran && shape.length > 1 ? rowByRow(given, shape, width) : given;
  if (datatype === undefined || datatype === 'BYTES') {
    return textTensor(data, shape, width, kind, order);
  }
  return tensorOfBytes(datatype, shape, order === '>' ? swapped(data, width) : data);
}

interface NpyHeader {
  readonly descr: string;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  readonly dataAt: number;
}

function readHeader(bytes: Buffer, path: string): NpyHeader {
  if (!bytes.subarray(0, magic.length).equals(magic) || bytes.length < 12) {
    throw new CommandError(`${path} is no .npy file`);
  }
  const isShort = bytes[6] === 1;
  const length = isShort ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const start = isShort ? 10 : 12;
  const header = bytes.toString('latin1', start, start + Math.min(length, headerBytesMax));
  const descr = /'descr':\s*'([^']*)'/u.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/u.exec(header)?.[1];
  if (descr === undefined || shape === undefined) {
    throw new CommandError(`${path} holds a table or objects: only plain arrays can be read`);
  }
  return {
    descr,
    isFortran: /'fortran_order':\s*True/u.test(header),
    shape: shape.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)])),
    dataAt: start + length,
  };
}

/** The elements of an array whose first index varies fastest, as of one that was transposed. */
function rowByRow(data: Buffer, shape: readonly number[], width: number): Buffer {
  const rows = Buffer.alloc(data.length);
  const index = shape.map(() => 0);
  let strides = width;
  const strideOf = shape.map((size) => {
    const stride = strides;
    strides *= size;
    return stride;
  });
  let from = 0;
  for (let at = 0; at < data.length; at += width) {
    data.copy(rows, at, from, from + width);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strideOf[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== shape[axis]) break;
      from -= (strideOf[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return rows;
}

function swapped(data: Buffer, width: number): Buffer {
  const copy = Buffer.from(data);
  if (width === 2) copy.swap16();
  else if (width === 4) copy.swap32();
  else if (width === 8) copy.swap64();
  return copy;
}

/** Texts of one length, filled up with zeros. */
function textTensor(
  data: Buffer,
  shape: readonly number[],
  width: number,
  kind: string,
  order: string,
): Tensor {
  const elements: (string | Uint8Array)[] = [];
  for (let at = 0; width > 0 && at < data.length; at += width) {
    const item = data.subarray(at, at + width);
    if (kind === 'U') {
      let text = '';
      for (let i = 0; i < width; i += 4) {
        const point = order === '>' ? item.readUInt32BE(i) : item.readUInt32LE(i);
        if (point !== 0) text += String.fromCodePoint(point);
      }
      elements.push(text);
    } else {
      let end = width;
      while (end > 0 && item[end - 1] === 0) end--;
      elements.push(new Uint8Array(item.subarray(0, end)));
    }
  }
  return tensor('BYTES', shape, elements);
}

/** A `.npy` file of a tensor. Byte strings become NumPy's of the longest one's length; BF16 becomes FP32. */
export function writeNpy(given: Tensor): Buffer {
  const { datatype, shape } = given;
  if (Array.isArray(given.data)) return writeTexts(given.data, shape);
  const data = datatype === 'BF16' ? given.floats() : (given.data as Float32Array);
  const name =
    datatype === 'BF16' ? 'f4' : Object.keys(types).find((key) => types[key] === datatype);
  const order = data.BYTES_PER_ELEMENT === 1 ? '|' : '<';
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([header(`${order}${name}`, shape), bytes]);
}

function writeTexts(elements: readonly Uint8Array[], shape: readonly number[]): Buffer {
  const width = elements.reduce((longest, { length }) => Math.max(longest, length), 1);
  const body = Buffer.alloc(width * elements.length);
  for (const [at, element] of elements.entries()) body.set(element, at * width);
  return Buffer.concat([header(`|S${width}`, shape), body]);
}

function header(descr: string, shape: readonly number[]): Buffer {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const plain = magic.length + 4 + dictionary.length + 1;
  const padding = ' '.repeat((alignment - (plain % alignment)) % alignment);
  const text = `${dictionary}${padding}\n`;
  const start = Buffer.from([1, 0, text.length & 0xff, text.length >> 8]);
  return Buffer.concat([magic, start, Buffer.from(text, 'latin1')]);
}
