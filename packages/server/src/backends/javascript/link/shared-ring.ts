/**
 * A queue of messages in memory that two threads share: one writes, one reads, neither waits for the other. An
 * entry is a row of numbers (8 bytes each), with bytes between them that begin at a multiple of 8.
 */
export interface RingMemory {
  /** `written` and `read`: bytes since the beginning, modulo 2^32. */
  readonly counters: Int32Array;
  readonly writtenAt: number;
  readonly readAt: number;
  /** A power of two bytes. */
  readonly entries: SharedArrayBuffer;
}

/** Number of an entry that only says: go on at the beginning. */
const skip = -1;
const wordBytes = 8;
/** Before what the sender writes: the entry's number, and its length in bytes. */
const headBytes = 2 * wordBytes;

/** Writes entries. What does not fit is refused as a whole. */
export class RingWriter {
  readonly #memory: RingMemory;
  readonly #numbers: Float64Array;
  readonly #bytes: Buffer;
  /** Where the entry begins, where it goes on, and where it must end, in `#bytes`. */
  #start = 0;
  #at = 0;
  #end = 0;
  #skippedBytes = 0;
  #fits = false;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#numbers = new Float64Array(memory.entries);
    this.#bytes = Buffer.from(memory.entries);
  }

  /** Begins an entry. What was begun and not committed is forgotten. */
  begin(): void {
    const { counters, writtenAt, readAt } = this.#memory;
    const capacity = this.#bytes.length;
    const written = Atomics.load(counters, writtenAt);
    const used = (written - Atomics.load(counters, readAt)) | 0;
    const position = written & (capacity - 1);
    const tail = capacity - position;
    const free = capacity - used;
    // What is left at the end counts as used, so the beginning has to offer more.
    const restart = tail < capacity / 2 && free - tail > tail;
    if (restart) this.#numbers[position / wordBytes] = skip;
    this.#skippedBytes = restart ? tail : 0;
    this.#start = restart ? 0 : position;
    this.#end = this.#start + Math.min(capacity - this.#start, free - this.#skippedBytes);
    this.#at = this.#start + headBytes;
    this.#fits = this.#at <= this.#end;
  }

  number(value: number): void {
    if (this.#room(wordBytes)) this.#numbers[this.#at / wordBytes] = value;
    this.#at += wordBytes;
  }

  /** Its length has to be told by a number. */
  bytes(bytes: Uint8Array): void {
    const { length } = bytes;
    if (this.#room(aligned(length))) this.#bytes.set(bytes, this.#at);
    this.#at += aligned(length);
  }

  /** A text, with its length. */
  text(text: string): void {
    this.number(text.length);
    if (text.length === 0) return;
    if (this.#room(aligned(text.length * 2))) this.#bytes.write(text, this.#at, 'utf16le');
    this.#at += aligned(text.length * 2);
  }

  /**
   * Hands the entry over.
   * @returns false, and nothing is handed over, where it did not fit
   */
  commit(entryNumber: number): boolean {
    if (!this.#fits) return false;
    const { counters, writtenAt } = this.#memory;
    const length = this.#at - this.#start;
    const head = this.#start / wordBytes;
    this.#numbers[head] = entryNumber;
    this.#numbers[head + 1] = length;
    const written = Atomics.load(counters, writtenAt);
    Atomics.store(counters, writtenAt, (written + this.#skippedBytes + length) | 0);
    return true;
  }

  #room(byteCount: number): boolean {
    this.#fits = this.#fits && this.#at + byteCount <= this.#end;
    return this.#fits;
  }
}

/** Reads entries. What it reads beyond an entry's end, or of a length that cannot be, is an error. */
export class RingReader {
  readonly #memory: RingMemory;
  readonly #numbers: Float64Array;
  readonly #bytes: Buffer;
  #start = 0;
  #at = 0;
  #end = 0;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#numbers = new Float64Array(memory.entries);
    this.#bytes = Buffer.from(memory.entries);
  }

  /** The number of the next entry; null where there is none. @throws Error for what cannot be one. */
  peek(): number | null {
    const { counters, writtenAt, readAt } = this.#memory;
    const capacity = this.#bytes.length;
    for (;;) {
      const read = Atomics.load(counters, readAt);
      const used = (Atomics.load(counters, writtenAt) - read) | 0;
      if (used === 0) return null;
      const position = read & (capacity - 1);
      const entryNumber = this.#numbers[position / wordBytes] as number;
      if (entryNumber !== skip) {
        this.#start = position;
        this.#end = position + (this.#numbers[position / wordBytes + 1] as number);
        this.#at = position + headBytes;
        if (!(used <= capacity && this.#at <= this.#end && this.#end <= capacity)) throw broken();
        return entryNumber;
      }
      if (used < capacity - position) throw broken();
      Atomics.store(counters, readAt, (read + capacity - position) | 0);
    }
  }

  number(): number {
    const at = this.#at;
    this.#advance(wordBytes);
    return this.#numbers[at / wordBytes] as number;
  }

  /** A whole number that is not negative. */
  count(): number {
    const value = this.number();
    if (!(value >= 0 && Number.isSafeInteger(value))) throw broken();
    return value;
  }

  /** Copies bytes out of the ring. */
  bytesInto(target: Uint8Array): void {
    const at = this.#at;
    this.#advance(aligned(target.length));
    target.set(this.#bytes.subarray(at, at + target.length));
  }

  text(): string {
    const length = this.count();
    if (length === 0) return '';
    const at = this.#at;
    this.#advance(aligned(length * 2));
    return this.#bytes.toString('utf16le', at, at + length * 2);
  }

  /** Gives the entry's memory back. */
  done(): void {
    const { counters, readAt } = this.#memory;
    const read = Atomics.load(counters, readAt);
    Atomics.store(counters, readAt, (read + this.#end - this.#start) | 0);
  }

  #advance(byteCount: number): void {
    this.#at += byteCount;
    if (!(this.#at <= this.#end)) throw broken();
  }
}

/** The bytes that so many take where each row of them begins at a multiple of 8. */
export function aligned(byteCount: number): number {
  return (byteCount + (wordBytes - 1)) & -wordBytes;
}

function broken(): Error {
  return new Error('an entry of the shared memory is not what it says');
}
