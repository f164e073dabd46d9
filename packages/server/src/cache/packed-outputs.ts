import { type DataType, elementByteSize, isDataType, type Tensor } from '@nereid/protocol';

/** More outputs, dimensions or bytes of a name than any entry that we wrote has. */
const outputsMax = 65_536;
const dimensionsMax = 64;
const nameBytesMax = 65_536;

/**
 * Bytes of one output in the layout that Triton's caches have: name, data type, shape and data, each
 * with its length before it, and the length of it all.
 */
function packedOutputBytes({ name, dataType, shape, data }: Tensor): number {
  return (
    8 +
    4 +
    Buffer.byteLength(name) +
    4 +
    dataType.length +
    4 +
    8 * shape.length +
    8 +
    data.byteLength
  );
}

/** Bytes of `packOutputs`, without making them. */
export function packedBytes(outputs: readonly Tensor[]): number {
  let bytes = 4;
  for (const output of outputs) bytes += packedOutputBytes(output);
  return bytes;
}

/** The outputs of an answer as one piece of memory: Triton's layout of a cache entry, little-endian. */
export function packOutputs(outputs: readonly Tensor[]): Buffer {
  const packed = Buffer.allocUnsafeSlow(packedBytes(outputs));
  let at = packed.writeUInt32LE(outputs.length, 0);
  for (const output of outputs) {
    at = packed.writeBigUInt64LE(BigInt(packedOutputBytes(output) - 8), at);
    for (const text of [output.name, output.dataType]) {
      at = packed.writeUInt32LE(Buffer.byteLength(text), at);
      at += packed.write(text, at);
    }
    at = packed.writeUInt32LE(8 * output.shape.length, at);
    for (const dim of output.shape) at = packed.writeBigInt64LE(BigInt(dim), at);
    at = packed.writeBigUInt64LE(BigInt(output.data.byteLength), at);
    packed.set(output.data, at);
    at += output.data.byteLength;
  }
  return packed;
}

/**
 * The outputs of `packOutputs`, as views. Null for anything else: what comes from a shared store may be
 * cut short or somebody else's.
 */
export function unpackOutputs(packed: Buffer): readonly Tensor[] | null {
  try {
    return new Unpacking(packed).outputs();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Reads on; throws a RangeError where the bytes are not what they should be. */
class Unpacking {
  readonly #packed: Buffer;
  #at = 0;

  constructor(packed: Buffer) {
    this.#packed = packed;
  }

  outputs(): readonly Tensor[] {
    const count = this.#uint32(outputsMax);
    const outputs: Tensor[] = [];
    for (let i = 0; i < count; i++) outputs.push(this.#output());
    if (this.#at !== this.#packed.length) throw new RangeError('bytes are left over');
    return outputs;
  }

  #output(): Tensor {
    const bytes = this.#uint64();
    const start = this.#at;
    const name = this.#take(this.#uint32(nameBytesMax)).toString();
    const dataType = this.#dataType();
    const shape = this.#shape();
    const data = this.#take(this.#uint64());
    if (this.#at - start !== bytes) throw new RangeError('an output has another length');
    checkData(dataType, shape, data);
    return { name, dataType, shape, data };
  }

  #dataType(): DataType {
    const text = this.#take(this.#uint32(nameBytesMax)).toString();
    if (!isDataType(text)) throw new RangeError('no data type');
    return text;
  }

  #shape(): number[] {
    const bytes = this.#uint32(8 * dimensionsMax);
    const dims = this.#take(bytes);
    const shape: number[] = [];
    for (let at = 0; at < bytes; at += 8) {
      const dim = Number(dims.readBigInt64LE(at));
      if (dim < 0 || !Number.isSafeInteger(dim)) throw new RangeError('no dimension');
      shape.push(dim);
    }
    return shape;
  }

  #uint32(max: number): number {
    const value = this.#packed.readUInt32LE(this.#at);
    if (value > max) throw new RangeError('too large');
    this.#at += 4;
    return value;
  }

  #uint64(): number {
    const value = Number(this.#packed.readBigUInt64LE(this.#at));
    this.#at += 8;
    return value;
  }

  #take(bytes: number): Buffer {
    const end = this.#at + bytes;
    if (end > this.#packed.length) throw new RangeError('cut short');
    const taken = this.#packed.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Front ends trust that a tensor's bytes fit its shape. */
function checkData(dataType: DataType, shape: readonly number[], data: Buffer): void {
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (dataType !== 'BYTES') {
    if (count * elementByteSize(dataType) !== data.length) throw new RangeError('no such tensor');
    return;
  }
  let at = 0;
  for (let i = 0; i < count; i++) at += 4 + data.readUInt32LE(at);
  if (at !== data.length) throw new RangeError('no such strings');
}
