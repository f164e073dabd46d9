import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, sep, win32 } from 'node:path';
import { NativeError } from './native-error.ts';

/**
 * An ONNX file may keep its weights in other files, which it names. Since some release after 1.17
 * ONNX Runtime refuses names that lead out of the model's folder; older libraries, which a user may
 * give, read any file of the machine. And a model loaded from bytes has no folder: every version
 * (1.30 too) looks in the working directory of the process.
 */

/** Where tensors lie in a message: field number → what that field is. */
interface Schema {
  readonly [field: number]: () => Schema;
}

const leaf: Schema = {};
const entry: Schema = { 1: () => leaf, 2: () => leaf };
const tensor: Schema = { 13: () => entry };
const sparse: Schema = { 1: () => tensor, 2: () => tensor };
const attribute: Schema = {
  5: () => tensor,
  6: () => graph,
  10: () => tensor,
  11: () => graph,
  22: () => sparse,
  23: () => sparse,
};
const node: Schema = { 5: () => attribute };
const graph: Schema = { 1: () => node, 5: () => tensor, 15: () => sparse };
const training: Schema = { 1: () => graph, 2: () => graph };
const functionProto: Schema = { 7: () => node, 11: () => attribute };
const model: Schema = { 7: () => graph, 20: () => training, 25: () => functionProto };

/** protobuf's own limit of nesting. */
const DEPTH_MAX = 100;
/** The four bytes at offset 4 of ONNX Runtime's own file format, which has no external data. */
const ORT_FORMAT = 'ORTM';

/** In ONNX Runtime's words for a model from bytes, since it would say the same a moment later. */
function malformed(): NativeError {
  return new NativeError(
    'INVALID_PROTOBUF',
    'Failed to load model because protobuf parsing failed.',
  );
}

/** The same in its words for a model from a file. */
function locationsInFile(path: string, bytes: Uint8Array): string[] {
  try {
    return externalDataLocations(bytes);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    const text = `Load model from ${path} failed:Protobuf parsing failed.`;
    throw new NativeError(error.code, text, { cause: error });
  }
}

/** Walks a ModelProto along the fields that lead to tensors; everything else is stepped over. */
class LocationScanner {
  readonly locations = new Set<string>();
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined) throw malformed();
      this.#position += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  }

  #skip(byteLength: number, end: number): void {
    if (byteLength > end - this.#position) throw malformed();
    this.#position += byteLength;
  }

  scan(schema: Schema = model, end: number = this.#bytes.byteLength, depth: number = 0): void {
    if (depth > DEPTH_MAX) throw malformed();
    let key = '';
    let value = '';
    while (this.#position < end) {
      const tag = this.#varint();
      const wireType = tag % 8;
      if (wireType === 0) this.#varint();
      else if (wireType === 1) this.#skip(8, end);
      else if (wireType === 5) this.#skip(4, end);
      else if (wireType !== 2) throw malformed();
      else {
        const byteLength = this.#varint();
        const start = this.#position;
        const field = Math.floor(tag / 8);
        const inner = schema[field]?.();
        if (byteLength > end - start) throw malformed();
        if (inner === leaf) {
          const text = this.#bytes.toString('utf8', start, start + byteLength);
          if (field === 1) key = text;
          else value = text;
        } else if (inner !== undefined) {
          this.scan(inner, start + byteLength, depth + 1);
        }
        this.#position = start + byteLength;
      }
    }
    if (this.#position !== end) throw malformed();
    if (schema === entry && key === 'location') this.locations.add(value);
  }
}

/**
 * Names of the files that a model keeps tensors in. Throws INVALID_PROTOBUF for bytes that are no
 * ModelProto.
 */
export function externalDataLocations(bytes: Uint8Array): string[] {
  if (Buffer.from(bytes.subarray(4, 8)).toString('latin1') === ORT_FORMAT) return [];
  const scanner = new LocationScanner(bytes);
  scanner.scan();
  return [...scanner.locations];
}

function refused(location: string, why: string): NativeError {
  return new NativeError('INVALID_ARGUMENT', `external data location '${location}' ${why}`);
}

/** Refuses (INVALID_ARGUMENT) a model whose bytes name other files: there is no folder to look in. */
export function refuseExternalData(bytes: Uint8Array): void {
  const [location] = externalDataLocations(bytes);
  if (location !== undefined) throw refused(location, 'needs a model that is loaded from a file');
}

async function realPathOrNull(path: string): Promise<string | null> {
  return await realpath(path).catch(() => null);
}

/**
 * Refuses (INVALID_ARGUMENT) a model file that names files outside of its folder, be it by `..`, by an
 * absolute path or through a symbolic link. A model that is a link itself may use the folder that it
 * really lies in too.
 */
export async function checkExternalData(modelPath: string): Promise<void> {
  const bytes = await readFile(modelPath).catch(() => null);
  // Not readable: ONNX Runtime says so in its own words.
  if (bytes === null) return;
  const folder = dirname(modelPath);
  const folders = [await realPathOrNull(folder), dirname((await realPathOrNull(modelPath)) ?? '')];
  for (const location of locationsInFile(modelPath, bytes)) {
    if (win32.isAbsolute(location)) throw refused(location, 'is an absolute path');
    if (location.split(/[/\\]/).includes('..'))
      throw refused(location, "leaves the model's folder");
    const real = await realPathOrNull(join(folder, location));
    const inside = folders.some((base) => base !== null && real?.startsWith(base + sep) === true);
    if (real !== null && !inside) throw refused(location, "leaves the model's folder");
  }
}
