import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/** Ranges start at multiples of this: a page. */
const rangeAlignment = 4096;
/** Beyond this a region is full: what does not fit goes through the socket. */
const regionBytesMax = 1024 * 1024 * 1024;

interface Range {
  readonly offset: number;
  readonly byteCount: number;
}

/** Which parts of a region are in use. First fit; there are few ranges at a time. */
export class RangeAllocator {
  readonly #limit: number;
  /** In the order of their offsets. */
  readonly #used: Range[] = [];

  constructor(limit: number = regionBytesMax) {
    this.#limit = limit;
  }

  get usedCount(): number {
    return this.#used.length;
  }

  /** @returns the offset of a free range; null when there is no room. */
  allocate(byteCount: number): number | null {
    const size = Math.ceil(byteCount / rangeAlignment) * rangeAlignment;
    let offset = 0;
    let index = 0;
    for (; index < this.#used.length; index++) {
      const range = this.#used[index] as Range;
      if (range.offset - offset >= size) break;
      offset = range.offset + range.byteCount;
    }
    if (offset + size > this.#limit) return null;
    this.#used.splice(index, 0, { offset, byteCount: size });
    return offset;
  }

  /** @throws Error for a range that is not in use. */
  free(offset: number): void {
    const index = this.#used.findIndex((range) => range.offset === offset);
    if (index < 0) throw new Error(`no range in use starts at ${offset}`);
    this.#used.splice(index, 1);
  }
}

/**
 * Memory that a worker has made and this process opens by its descriptor: one region for what the
 * server sends, one for what the worker does. Both are read and written through the descriptor and
 * never mapped here: a worker that shrinks one could end this process otherwise.
 */
export class SharedRegions {
  readonly #requests: number;
  readonly #responses: number;
  readonly #ranges = new RangeAllocator();

  private constructor(requests: number, responses: number) {
    this.#requests = requests;
    this.#responses = responses;
  }

  /**
   * @param paths of both regions, as `/proc/<pid>/fd/<descriptor>`
   * @returns null where that is not allowed: the socket carries everything then.
   */
  static open(pid: number, paths: readonly string[]): SharedRegions | null {
    const [requests, responses] = paths;
    const own = new RegExp(`^/proc/${pid}/fd/\\d+$`, 'u');
    if (requests === undefined || responses === undefined) return null;
    if (!own.test(requests) || !own.test(responses)) return null;
    const opened: number[] = [];
    try {
      for (const path of [requests, responses]) {
        // Without waiting: what lies there may be a pipe.
        const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
        opened.push(descriptor);
        if (!fstatSync(descriptor).isFile()) throw new Error(`${path} is no memory`);
      }
      return new SharedRegions(opened[0] as number, opened[1] as number);
    } catch {
      for (const descriptor of opened) closeSync(descriptor);
      return null;
    }
  }

  /**
   * Writes pieces one after the other.
   * @returns where they begin; null when there is no room: nothing is held then.
   */
  write(pieces: readonly Uint8Array[], byteCount: number): number | null {
    const offset = this.#ranges.allocate(byteCount);
    if (offset === null) return null;
    try {
      let at = offset;
      for (const piece of pieces) {
        for (let done = 0; done < piece.byteLength; ) {
          done += writeSync(this.#requests, piece, done, piece.byteLength - done, at + done);
        }
        at += piece.byteLength;
      }
      return offset;
    } catch {
      // No memory left, or a limit of the system.
      this.#ranges.free(offset);
      return null;
    }
  }

  /** @throws Error when the worker's region does not hold that much. */
  read(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.byteLength; ) {
      const count = readSync(
        this.#responses,
        target,
        done,
        target.byteLength - done,
        offset + done,
      );
      if (count === 0) throw new Error(`the worker's memory ends before ${offset + done}`);
      done += count;
    }
  }

  /** The worker needs what was written there no longer. @throws Error for what is not in use. */
  free(offset: number): void {
    this.#ranges.free(offset);
  }

  close(): void {
    closeSync(this.#requests);
    closeSync(this.#responses);
  }
}
