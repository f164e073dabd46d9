import { allocateFixed } from '@nereid/native';
import { type SharedMemoryRange, TritonError } from '@nereid/protocol';
import type { SharedMemoryRegion } from './shared-memory-region.ts';

/** Copied at once in one request; what is beyond goes on another thread, which costs some 50 us. */
const inlineBytesMax = 1024 * 1024;
/** Inputs of one request: what its body could hold as well. */
const inputBytesMax = 2_147_483_647;
/** Inputs of all requests in flight: regions may be named any number of times, so that it adds up. */
const copiedBytesMax = 4 * 1024 * 1024 * 1024;

/** What the registry is to the uses of its regions. */
export interface RegionHolder {
  /** Bytes of inputs that requests in flight have copied out of regions. */
  copiedBytes: number;
  /** @throws TritonError NOT_FOUND. */
  find(name: string): SharedMemoryRegion;
  /** One user of the region less. */
  release(region: SharedMemoryRegion): void;
}

/** A tensor on its way to the region that the client wants it in. */
export interface SharedOutput {
  readonly name: string;
  readonly range: SharedMemoryRange;
  readonly data: Uint8Array;
}

/**
 * What one request reads from shared memory and writes to it. Its inputs are copies: what the client
 * does to the memory meanwhile does not reach a model, and a region that shrinks is an error and no
 * SIGBUS. Regions that it names stay registered until `release`, which its owner, the front end,
 * calls when the request is answered.
 */
export class SharedMemoryUse {
  readonly #registry: RegionHolder;
  #regions: Set<SharedMemoryRegion> | null = null;
  #reads: Promise<void>[] | null = null;
  #inputBytes = 0;

  constructor(registry: RegionHolder) {
    this.#registry = registry;
  }

  /** `SharedMemoryLookup`, for decoding a request. */
  lookup(range: SharedMemoryRange, direction: 'input' | 'output'): Uint8Array {
    if (direction === 'input') return this.input(range);
    this.output(range);
    return nothing;
  }

  /**
   * The bytes of an input. Large ones are there only when `inputsReady` says so.
   * @throws TritonError with Triton's texts, or INVALID_ARG where the object has shrunk.
   */
  input(range: SharedMemoryRange): Uint8Array {
    const region = this.#find(range);
    const byteSize = Number(range.byteSize);
    this.#count(byteSize);
    const target = allocateFixed(byteSize);
    const offset = region.offset + Number(range.offset);
    if (this.#inputBytes <= inlineBytesMax) {
      requireRead(region, region.object.read(target, offset), byteSize);
    } else {
      const read = region.object.readOnThread(target, offset);
      this.#reads ??= [];
      this.#reads.push(read.then((count) => requireRead(region, count, byteSize)));
    }
    return target;
  }

  /** An output is to go there. @throws TritonError with Triton's texts. */
  output(range: SharedMemoryRange): void {
    this.#find(range);
  }

  /**
   * Null when every input is there already; else settles when all reads are over, and rejects with
   * a TritonError when one found too little. Call it once, before anything looks at the inputs, also
   * when the request is refused: the reads must be over before `release`.
   */
  inputsReady(): Promise<void> | null {
    const reads = this.#reads;
    if (reads === null) return null;
    this.#reads = null;
    return Promise.allSettled(reads).then((ends) => {
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    });
  }

  /**
   * Writes outputs to where they were asked for: nothing is written unless all have room. Null when
   * that is done, a promise where it takes long.
   *
   * @throws TritonError INTERNAL with Triton's text for a range that is too small, INVALID_ARG where
   *   the object has shrunk.
   */
  write(outputs: readonly SharedOutput[]): Promise<void> | null {
    let byteSize = 0;
    for (const output of outputs) {
      requireRoom(output, this.#registry.find(output.range.region));
      byteSize += output.data.byteLength;
    }
    if (byteSize > inlineBytesMax) return this.#writeOnThread(outputs);
    for (const { name, range, data } of outputs) {
      const region = this.#registry.find(range.region);
      try {
        region.object.write(data, region.offset + Number(range.offset));
      } catch (cause) {
        throw writeError(name, region, cause);
      }
    }
    return null;
  }

  /** Lets go of the regions. Once more does nothing. */
  release(): void {
    this.#registry.copiedBytes -= this.#inputBytes;
    this.#inputBytes = 0;
    const regions = this.#regions;
    if (regions === null) return;
    this.#regions = null;
    const reads = this.inputsReady();
    const letGo = (): void => {
      for (const region of regions) this.#registry.release(region);
    };
    // Reads that nobody waited for still use the descriptor.
    if (reads === null) letGo();
    else reads.then(letGo, letGo);
  }

  async #writeOnThread(outputs: readonly SharedOutput[]): Promise<void> {
    for (const { name, range, data } of outputs) {
      const region = this.#registry.find(range.region);
      try {
        await region.object.writeOnThread(data, region.offset + Number(range.offset));
      } catch (cause) {
        throw writeError(name, region, cause);
      }
    }
  }

  #find(range: SharedMemoryRange): SharedMemoryRegion {
    const region = this.#registry.find(range.region);
    refuseRange(region, range);
    this.#regions ??= new Set();
    if (!this.#regions.has(region)) {
      this.#regions.add(region);
      region.userCount++;
    }
    return region;
  }

  #count(byteSize: number): void {
    if (this.#inputBytes + byteSize > inputBytesMax) {
      throw new TritonError(
        'INVALID_ARG',
        `shared memory inputs of a request exceed the limit of ${inputBytesMax} bytes`,
      );
    }
    if (this.#registry.copiedBytes + byteSize > copiedBytesMax) {
      throw new TritonError(
        'UNAVAILABLE',
        `shared memory inputs of the requests in flight exceed the limit of ${copiedBytesMax} bytes, try again later`,
      );
    }
    this.#inputBytes += byteSize;
    this.#registry.copiedBytes += byteSize;
  }
}

const nothing = new Uint8Array(0);

/** The largest `size_t`. */
const sizeMax = 0xffff_ffff_ffff_ffffn;

/** In the order of Triton's checks. Negative numbers are the large ones that C makes of them. */
function refuseRange(
  { name, byteSize: regionBytes }: SharedMemoryRegion,
  range: SharedMemoryRange,
): void {
  const { offset, byteSize } = range;
  if (offset < 0 || offset >= regionBytes) {
    throw new TritonError('INVALID_ARG', `Invalid offset for shared memory region: '${name}'`);
  }
  const wideOffset = BigInt(offset);
  const wideByteSize = BigInt.asUintN(64, BigInt(byteSize));
  if (wideByteSize > sizeMax - wideOffset) {
    throw new TritonError(
      'INVALID_ARG',
      `Integer overflow detected: byte_size (${wideByteSize}) + offset (${wideOffset}) exceeds maximum value (${sizeMax}) for region '${name}'`,
    );
  }
  if (wideOffset + wideByteSize > regionBytes) {
    throw new TritonError(
      'INVALID_ARG',
      `Invalid offset + byte size for shared memory region: '${name}'`,
    );
  }
}

function requireRead(region: SharedMemoryRegion, count: number, byteSize: number): void {
  if (count < byteSize) throw shrunkError(region);
}

function requireRoom({ name, range, data }: SharedOutput, region: SharedMemoryRegion): void {
  const { byteLength } = data;
  if (byteLength > range.byteSize) {
    throw new TritonError(
      'INTERNAL',
      `shared memory size specified with the request for output '${name}' (${range.byteSize} bytes) should be at least ${byteLength} bytes to hold the results`,
    );
  }
  if (region.offset + Number(range.offset) + byteLength > region.object.byteSize) {
    throw shrunkError(region);
  }
}

function shrunkError({ name, key, byteSize }: SharedMemoryRegion): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `shared memory region '${name}' does not have the ${byteSize} bytes any more that it was registered with: '${key}' was made smaller`,
  );
}

function writeError(output: string, region: SharedMemoryRegion, cause: unknown): TritonError {
  const text = `failed to write output '${output}' to shared memory region '${region.name}': ${(cause as Error).message}`;
  return new TritonError('INTERNAL', text, { cause });
}
