import koffi from 'koffi';
import { bindSymbol, loadLibrary, type NativeFunction } from './koffi-library.ts';

/** Cache lines and the widest vector loads of today's processors. */
const ALIGNMENT_BYTES_DEFAULT = 64;
/** V8 keeps typed arrays of up to 64 bytes on its own heap, where they may move. */
const ON_HEAP_BYTES_MAX = 64;

/**
 * Address of the first byte of a buffer, 0n for an empty one. Valid as long as the buffer is
 * referenced and its ArrayBuffer is neither detached nor resized. Asking for `.buffer` first moves a
 * small array out of V8's heap for good.
 */
export function addressOf(buffer: Uint8Array): bigint {
  return buffer.buffer.byteLength === 0 ? 0n : koffi.address(buffer);
}

/** The same as a number: user space lies below 2^47 on every platform that Node supports. */
export function addressNumberOf(buffer: Uint8Array): number {
  return Number(addressOf(buffer));
}

/**
 * Uninitialised memory that never moves and whose first byte lies on a multiple of `alignmentBytes`
 * (a power of two). It is ordinary garbage-collected memory.
 */
export function allocateAligned(
  byteLength: number,
  alignmentBytes: number = ALIGNMENT_BYTES_DEFAULT,
): Buffer {
  const slab = Buffer.allocUnsafeSlow(Math.max(byteLength + alignmentBytes, ON_HEAP_BYTES_MAX + 1));
  const offset = (alignmentBytes - (addressNumberOf(slab) % alignmentBytes)) % alignmentBytes;
  return slab.subarray(offset, offset + byteLength);
}

/** Uninitialised memory that never moves (an ArrayBuffer of its own, outside of V8's heap). */
export function allocateFixed(byteLength: number): Buffer {
  if (byteLength > ON_HEAP_BYTES_MAX) return Buffer.allocUnsafeSlow(byteLength);
  return Buffer.allocUnsafeSlow(ON_HEAP_BYTES_MAX + 1).subarray(0, byteLength);
}

let memcpy: NativeFunction | null = null;

/** Copies `byteLength` bytes between native addresses; the caller vouches for both. */
export function copyMemory(destination: number, source: number, byteLength: number): void {
  if (byteLength === 0) return;
  if (memcpy === null) {
    const libc = loadLibrary(process.platform === 'win32' ? 'msvcrt.dll' : null);
    memcpy = bindSymbol(libc, 'memcpy', 'address', ['address', 'address', 'size']);
    if (memcpy === null) throw new Error('the C library has no memcpy');
  }
  memcpy(destination, source, byteLength);
}

/** Reads a NUL-terminated UTF-8 string at an address. */
export function readCString(address: number): string {
  return koffi.decode(BigInt(address), 'char', -1) as string;
}

let mallocTrimFunction: NativeFunction | null | undefined;

/**
 * Gives freed memory of the C heap back to the operating system (glibc's malloc_trim): after a model
 * is unloaded, its memory otherwise stays with the process. True when memory was released, null where
 * the C library has no such function (musl, macOS, Windows).
 */
export function mallocTrim(): boolean | null {
  if (mallocTrimFunction === undefined) {
    mallocTrimFunction =
      process.platform === 'linux'
        ? bindSymbol(loadLibrary(null), 'malloc_trim', 'int', ['size'])
        : null;
  }
  return mallocTrimFunction === null ? null : mallocTrimFunction(0) === 1;
}

/** Blocks from this size on come straight from the operating system and go straight back to it. */
const MMAP_THRESHOLD_BYTES = 8 * 1024 * 1024;
/**
 * Free memory at the end of a heap that is kept: what glibc would grow to by itself. With 16 MiB the
 * buffers of large requests were given back and mapped anew all the time: a run with 4.9 MB in and out
 * took 0.29 to 0.81 ms, with 64 MiB 0.21 to 0.30 ms.
 */
const TRIM_THRESHOLD_BYTES = 64 * 1024 * 1024;
/** mallopt's parameters (malloc.h). */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/**
 * Fixes two thresholds of glibc's heap that otherwise grow by themselves: once a block of up to 32 MiB
 * was freed, blocks of that size are no longer mapped on their own, and stay in the heap of the thread
 * that loaded a model, out of the reach of `mallocTrim`. Measured over hundreds of loads of a 20 MB
 * model: 149 to 163 MB resident with the thresholds fixed, 218 to 277 MB without. Threads share one
 * heap: each of libuv's would keep 5 to 7 MB of its own that nothing gives back, and the loads of a
 * model wander over all of them. Does nothing where the C library has no such thing, or where the
 * environment sets them.
 */
export function fixMallocThresholds(environment: NodeJS.ProcessEnv = process.env): boolean {
  const isSet = Object.keys(environment).some((name) => /^MALLOC_.*_$/.test(name));
  if (isSet || environment['GLIBC_TUNABLES']?.includes('malloc') === true) return false;
  if (process.platform !== 'linux') return false;
  const mallopt = bindSymbol(loadLibrary(null), 'mallopt', 'int', ['int', 'int']);
  if (mallopt === null) return false;
  mallopt(M_ARENA_MAX, 1);
  const mmap = mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
  return mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES) === 1 && mmap === 1;
}

/**
 * A block of native memory for arguments and results of C calls: written and read from here without
 * allocating, at an address that never changes.
 */
export class NativeBlock {
  readonly address: number;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;

  constructor(byteLength: number) {
    this.#bytes = allocateAligned(Math.ceil(byteLength / 8) * 8);
    this.#words = new Uint32Array(
      this.#bytes.buffer,
      this.#bytes.byteOffset,
      this.#bytes.byteLength / 4,
    );
    this.address = addressNumberOf(this.#bytes);
  }

  /** How many 8-byte words it holds. */
  get length(): number {
    return this.#words.length / 2;
  }

  /** Address of the 8-byte word at an index. */
  at(index: number): number {
    return this.address + index * 8;
  }

  /** Writes a non-negative integer (address, size) as an 8-byte word. */
  write(index: number, value: number): void {
    this.#words[index * 2] = value >>> 0;
    this.#words[index * 2 + 1] = Math.floor(value / 0x1_0000_0000);
  }

  /** Reads an 8-byte word as an unsigned integer below 2^53. */
  read(index: number): number {
    return this.#words[index * 2]! + this.#words[index * 2 + 1]! * 0x1_0000_0000;
  }

  /** Reads an 8-byte word as a signed integer. */
  readInt64(index: number): number {
    return this.#words[index * 2]! + (this.#words[index * 2 + 1]! | 0) * 0x1_0000_0000;
  }

  /** Reads an 8-byte word as a signed integer of any size. */
  readBigInt64(index: number): bigint {
    return this.#bytes.readBigInt64LE(index * 8);
  }

  /** Copies 8-byte words from a native address to the start of the block. */
  copyFrom(address: number, count: number): void {
    copyMemory(this.address, address, count * 8);
  }

  /** Reads the first 4 bytes of a word as a signed integer (a C int written to that place). */
  readInt32(index: number): number {
    return this.#words[index * 2]! | 0;
  }
}

let kept: unknown = null;

/**
 * Holds objects until here. An optimising compiler lets go of a variable after its last use, so an
 * object whose address alone was passed on needs a use after the call that reads its memory. For
 * small objects: the last ones stay referenced.
 */
export function keepAlive(...objects: readonly unknown[]): void {
  kept = objects;
}

/** What `keepAlive` was last given; only here so that the store is observable. @public */
export function lastKeptAlive(): unknown {
  return kept;
}
