import { allocateFixed } from '@nereid/native';
import { type SharedMemoryRange, type Tensor, TritonError } from '@nereid/protocol';
import type { SharedMemoryRegion } from './shared-memory-region.ts';

/** Copied at once in one request; what is beyond goes on another thread, which costs some 50 us. */
const inlineBytesMax = 1024 * 1024;
/** Inputs of one request: what its body could hold as well. */
const inputBytesMax = 2_147_483_647;
/** Inputs of all requests in flight: regions may be named any number of times, so that it adds up. */
const copiedBytesMax = 4 * 1024 * 1024 * 1024;

/** Address space for mappings of all regions. */
const mappedBytesMax = 64 * 1024 * 1024 * 1024;
/**
 * What may lie in the client's own memory: nothing that a model takes for an index, a length or a
 * condition. Kernels check those before they use them, and the client could change them in between.
 */
const inPlaceTypes: ReadonlySet<string> = new Set([
  ...['FP16', 'BF16', 'FP32', 'FP64', 'INT8', 'UINT8', 'INT16', 'UINT16', 'UINT32', 'UINT64'],
]);
/** Elements have at most so many bytes; addresses are multiples of them. */
const alignmentBytes = 8;

/** What the registry is to the uses of its regions. */
export interface RegionHolder {
  /** Address space of all mappings. */
  mappedBytes: number;
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

/** Part of the client's memory that a tensor of the request lies in. */
interface PlacedRange {
  readonly region: SharedMemoryRegion;
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/**
 * What one request reads from shared memory and writes to it. Where its model allows that, tensors lie
 * in the client's own memory; else inputs are copies, and what the client does to the memory meanwhile
 * does not reach the model. A region that shrinks is an error and no SIGBUS. Regions that the request
 * names stay registered until `release`, which its owner, the front end, calls when it is answered.
 */
export class SharedMemoryUse {
  readonly #registry: RegionHolder;
  readonly #inPlace: boolean;
  #placed: PlacedRange[] | null = null;
  #regions: Set<SharedMemoryRegion> | null = null;
  #reads: Promise<void>[] | null = null;
  #inputBytes = 0;

  constructor(registry: RegionHolder, inPlace: boolean) {
    this.#registry = registry;
    this.#inPlace = inPlace;
  }

  /** `SharedMemoryLookup`, for decoding a request. */
  lookup(
    range: SharedMemoryRange,
    direction: 'input' | 'output',
    dataType: string = '',
  ): Uint8Array {
    if (direction === 'input') return this.input(range, dataType);
    this.output(range);
    return nothing;
  }

  /**
   * The bytes of an input. Large ones are there only when `inputsReady` says so.
   * @throws TritonError with Triton's texts, or INVALID_ARG where the object has shrunk.
   */
  input(range: SharedMemoryRange, dataType: string = ''): Uint8Array {
    const region = this.#find(range);
    const byteSize = Number(range.byteSize);
    if (inPlaceTypes.has(dataType)) {
      const placed = this.#place(region, Number(range.offset), byteSize);
      if (placed !== null) return placed;
    }
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
   * The memory that an output is wanted in, for the model to write into; null where it has to be
   * copied there: it does not fit, or lies where another tensor of the request does.
   */
  outputMemory(range: SharedMemoryRange, dataType: string, byteLength: number): Uint8Array | null {
    if (byteLength > range.byteSize || !inPlaceTypes.has(dataType)) return null;
    const region = this.#registry.find(range.region);
    const start = region.offset + Number(range.offset);
    const end = start + byteLength;
    const overlaps = this.#placed?.some(
      (other) =>
        other.region.object.isSame(region.object) && start < other.end && other.start < end,
    );
    return overlaps === true ? null : this.#place(region, Number(range.offset), byteLength);
  }

  /**
   * Asked when the model is done, before anything of its answer goes out.
   * @throws TritonError INVALID_ARG where memory that the model has read or written was gone.
   */
  requireIntact(): void {
    for (const { region } of this.#placed ?? []) {
      if (region.lost) throw shrunkError(region);
    }
  }

  /**
   * Tensors of the server's own, in place of those that lie in the client's memory: for who keeps them,
   * or hands them to the kernel.
   * @param stays True for those that need not be: outputs that are in their place.
   */
  own(
    tensors: readonly Tensor[],
    stays: (tensor: Tensor) => boolean = () => false,
  ): readonly Tensor[] {
    if (this.#placed === null) return tensors;
    return tensors.map((tensor) =>
      this.#isPlaced(tensor.data) && !stays(tensor)
        ? { ...tensor, data: Buffer.from(tensor.data) }
        : tensor,
    );
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
    this.requireIntact();
    let byteSize = 0;
    const elsewhere: SharedOutput[] = [];
    for (const output of outputs) {
      const region = this.#registry.find(output.range.region);
      requireRoom(output, region);
      if (this.#isInPlace(output, region)) continue;
      byteSize += output.data.byteLength;
      elsewhere.push(output);
    }
    if (byteSize > inlineBytesMax) return this.#writeOnThread(elsewhere);
    for (const { name, range, data } of elsewhere) {
      const region = this.#registry.find(range.region);
      try {
        region.object.write(data, region.offset + Number(range.offset));
      } catch (cause) {
        throw this.#writeError(name, data, region, cause);
      }
    }
    return null;
  }

  /** Lets go of the regions. Once more does nothing. */
  release(): void {
    this.#registry.copiedBytes -= this.#inputBytes;
    this.#inputBytes = 0;
    for (const { region } of this.#placed ?? []) region.inPlaceCount--;
    this.#placed = null;
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

  /** A tensor in the client's memory; null where that cannot be. @throws TritonError as `input`. */
  #place(region: SharedMemoryRegion, offset: number, byteSize: number): Uint8Array | null {
    if (!this.#inPlace || offset % alignmentBytes !== 0) return null;
    const start = region.offset + offset;
    if (start + byteSize > region.object.byteSize) throw shrunkError(region);
    const mappedBefore = region.mappedBytes;
    const memory = region.memory(mappedBytesMax - this.#registry.mappedBytes);
    this.#registry.mappedBytes += region.mappedBytes - mappedBefore;
    if (memory === null) return null;
    const bytes = memory.subarray(offset, offset + byteSize);
    this.#placed ??= [];
    this.#placed.push({ region, start, end: start + byteSize, bytes });
    region.inPlaceCount++;
    return bytes;
  }

  #isPlaced(data: Uint8Array): boolean {
    return this.#placed?.some(({ bytes }) => bytes.buffer === data.buffer) ?? false;
  }

  /** The model has written the output to its place itself. */
  #isInPlace({ range, data }: SharedOutput, region: SharedMemoryRegion): boolean {
    const start = region.offset + Number(range.offset);
    return (
      this.#placed?.some(
        (placed) =>
          placed.region === region &&
          placed.start === start &&
          placed.bytes.buffer === data.buffer &&
          placed.bytes.byteOffset === data.byteOffset,
      ) ?? false
    );
  }

  async #writeOnThread(outputs: readonly SharedOutput[]): Promise<void> {
    for (const { name, range, data } of outputs) {
      const region = this.#registry.find(range.region);
      try {
        await region.object.writeOnThread(data, region.offset + Number(range.offset));
      } catch (cause) {
        throw this.#writeError(name, data, region, cause);
      }
    }
  }

  #writeError(
    output: string,
    data: Uint8Array,
    region: SharedMemoryRegion,
    cause: unknown,
  ): TritonError {
    // The kernel does not reach memory that is gone, where this process would find empty pages.
    const source = this.#placed?.find(({ bytes }) => bytes.buffer === data.buffer) ?? null;
    if (source !== null && (cause as NodeJS.ErrnoException).code === 'EFAULT') {
      return shrunkError(source.region);
    }
    const text = `failed to write output '${output}' to shared memory region '${region.name}': ${(cause as Error).message}`;
    return new TritonError('INTERNAL', text, { cause });
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
