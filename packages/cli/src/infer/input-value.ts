import { existsSync, readFileSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { type DataType, type Tensor, type TensorMetadata, tensor } from '@nereid/client';
import { CommandError, notFoundError, usageError } from '../command/exit-status.ts';
import { inputShape } from './input-shape.ts';
import { readNpy, tensorOfBytes } from './npy.ts';

const fileBytesMax = 2_147_483_647;
/** Files whose bytes are the elements, little end first. */
const rawFiles: ReadonlySet<string> = new Set(['.bin', '.raw', '.dat']);
const pictures: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp']);

/** Elements, row by row, with the shape that they were written in. */
interface GivenElements {
  readonly elements: readonly unknown[] | Tensor;
  /** null when only their number is known. */
  readonly shape: readonly number[] | null;
}

/**
 * The tensor of an input out of what the command line says of it: a file, numbers, JSON or text, as its data type
 * asks for.
 * @param shape As `--shape` states it; null to go by the model.
 * @throws CommandError
 */
export function inputTensor(
  wanted: TensorMetadata,
  text: string,
  shape: readonly number[] | null,
  directory: string,
): Tensor {
  const given = elementsOf(wanted, text, directory);
  const count = Array.isArray(given.elements)
    ? given.elements.length
    : (given.elements as Tensor).size;
  const found = shape ?? inputShape(wanted.shape, count, given.shape);
  const places = found?.reduce((product, dimension) => product * dimension, 1);
  if (found === null || places !== count) {
    throw usageError(
      `input '${wanted.name}' has the shape [${(shape ?? wanted.shape).join(', ')}], into which ${count} elements do not fit`,
    );
  }
  return build(wanted, given.elements, found);
}

function elementsOf(wanted: TensorMetadata, text: string, directory: string): GivenElements {
  if (text.startsWith('@')) return fileElements(wanted, resolve(directory, text.slice(1)));
  const path = resolve(directory, text);
  if (looksLikePath(text) && existsSync(path) && statSync(path).isFile()) {
    return fileElements(wanted, path);
  }
  if (wanted.datatype === 'BYTES' && !/^\s*["[]/u.test(text)) {
    return { elements: [text], shape: null };
  }
  return jsonElements(wanted, text);
}

/** `cat.jpg`, `data/x`; not `1.5`, and not a sentence with a full stop. */
function looksLikePath(text: string): boolean {
  return (
    text.length < 4096 &&
    /[./]/u.test(text) &&
    Number.isNaN(Number(text)) &&
    !/^[\s[{"]/u.test(text)
  );
}

function fileElements(wanted: TensorMetadata, path: string): GivenElements {
  if (!existsSync(path)) throw notFoundError(`there is no file ${path}`);
  if (statSync(path).size > fileBytesMax) throw new CommandError(`${path} is larger than 2 GB`);
  const bytes = readFileSync(path);
  const extension = extname(path).toLowerCase();
  if (extension === '.npy') {
    const read = readNpy(bytes, path);
    return { elements: read, shape: read.shape };
  }
  if (extension === '.json' && wanted.datatype !== 'BYTES')
    return jsonElements(wanted, bytes.toString());
  if (wanted.datatype === 'BYTES') return { elements: [bytes], shape: null };
  if (wanted.datatype === 'UINT8' || rawFiles.has(extension)) {
    return { elements: rawTensor(wanted.datatype, bytes, path), shape: null };
  }
  const what = pictures.has(extension) ? 'a picture' : 'a file of another kind';
  throw usageError(
    `input '${wanted.name}' takes ${wanted.datatype} elements, and ${path} is ${what}: give them as .npy, .json, or .bin`,
  );
}

function rawTensor(datatype: Exclude<DataType, 'BYTES'>, bytes: Buffer, path: string): Tensor {
  const one = tensorOfBytes(datatype, [], Buffer.alloc(8));
  const size = 8 / one.data.length;
  if (bytes.length % size === 0) return tensorOfBytes(datatype, [bytes.length / size], bytes);
  throw usageError(
    `${path} holds ${bytes.length} bytes, which is no whole number of ${datatype} elements`,
  );
}

/** JSON, or numbers with commas between them. */
function jsonElements(wanted: TensorMetadata, text: string): GivenElements {
  const { data, stated } = writtenTensor(parseElements(wanted, text.trim()));
  const elements: unknown[] = [];
  const shape: number[] = [];
  flatten(data, 0, shape, elements, wanted.name);
  if (stated !== null) return { elements, shape: stated };
  return { elements, shape: shape.length === 0 ? null : shape };
}

/** A tensor as `--output NAME=FILE.json` writes it, with its shape; anything else is the elements themselves. */
function writtenTensor(value: unknown): { data: unknown; stated: readonly number[] | null } {
  if (typeof value !== 'object' || value === null || !('data' in value)) {
    return { data: value, stated: null };
  }
  const shape = 'shape' in value && Array.isArray(value.shape) ? value.shape : [];
  return {
    data: value.data,
    stated: shape.every(Number.isInteger) && shape.length > 0 ? shape : null,
  };
}

function parseElements({ name, datatype }: TensorMetadata, text: string): unknown {
  const isLong = datatype === 'INT64' || datatype === 'UINT64';
  // JSON.parse would round them.
  const exact = isLong ? text.replaceAll(/-?\d{16,}/gu, '"$&"') : text;
  for (const candidate of [exact, `[${exact}]`]) {
    try {
      return JSON.parse(candidate);
    } catch {}
  }
  throw usageError(
    `input '${name}' takes ${datatype} elements, not '${text.slice(0, 60)}': give numbers, JSON, or a file (.npy, .json, .bin)`,
  );
}

function flatten(
  value: unknown,
  depth: number,
  shape: number[],
  elements: unknown[],
  name: string,
): void {
  if (!Array.isArray(value)) {
    if (depth !== shape.length) throw ragged(name);
    elements.push(value);
    return;
  }
  if (elements.length === 0 && shape.length === depth) shape.push(value.length);
  if (shape[depth] !== value.length) throw ragged(name);
  for (const item of value) flatten(item, depth + 1, shape, elements, name);
}

function ragged(name: string): CommandError {
  return usageError(`the rows of input '${name}' have different lengths`);
}

function build(
  { name, datatype }: TensorMetadata,
  given: readonly unknown[] | Tensor,
  shape: readonly number[],
): Tensor {
  const elements = Array.isArray(given) ? given : elementsAs(given as Tensor, datatype);
  try {
    const data = Array.isArray(elements) ? elements.map((one) => element(one, datatype)) : elements;
    return tensor(datatype, shape, data as never);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw usageError(`input '${name}': ${(error as Error).message}`);
  }
}

/** A file's elements in the model's data type: themselves when they are of it. */
function elementsAs(given: Tensor, datatype: DataType): ArrayLike<unknown> {
  if (given.datatype === datatype) return given.data;
  if (given.datatype === 'BYTES' || datatype === 'BYTES') {
    throw usageError(`the file holds ${given.datatype} elements, and the model takes ${datatype}`);
  }
  if (given.datatype === 'FP16' || given.datatype === 'BF16') return Array.from(given.floats());
  return Array.from(given.data as ArrayLike<number | bigint>);
}

function element(value: unknown, datatype: DataType): unknown {
  if (datatype === 'BYTES') {
    return typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    const whole = datatype.includes('INT');
    if (whole && !isInRange(value, datatype)) throw usageError(`${value} is no ${datatype}`);
    return datatype === 'INT64' || datatype === 'UINT64'
      ? BigInt(value)
      : typeof value === 'bigint'
        ? Number(value)
        : value;
  }
  if (typeof value === 'string' && /^-?\d+$/u.test(value) && datatype.endsWith('INT64')) {
    return element(BigInt(value), datatype);
  }
  throw usageError(`${JSON.stringify(value)} is no ${datatype}`);
}

/** Typed arrays would take the lowest bits of what is too large. */
function isInRange(value: number | bigint | boolean, datatype: DataType): boolean {
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const whole = BigInt(value);
  const bits = Number(/\d+$/u.exec(datatype)?.[0]);
  const wrapped = datatype.startsWith('U')
    ? BigInt.asUintN(bits, whole)
    : BigInt.asIntN(bits, whole);
  return wrapped === whole;
}
