import { bindSymbol, loadLibrary, type NativeFunction } from './koffi-library.ts';
import { NativeError } from './native-error.ts';

/** Bits of `mmap`'s protection and flags, the same on every Linux that we run on. */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;

/** User space lies below 2^47; MAP_FAILED is the highest address. */
const ADDRESS_MAX = 2 ** 47;

/** The C library's calls for address space, by their names and with their arguments. */
export interface SystemMemory {
  readonly mmap: NativeFunction;
  readonly munmap: NativeFunction;
  readonly mprotect: NativeFunction;
  readonly sigaction: NativeFunction;
}

let bound: SystemMemory | null = null;

/** @throws NativeError UNSUPPORTED off Linux. */
export function systemMemory(): SystemMemory {
  bound ??= bind();
  return bound;
}

function bind(): SystemMemory {
  if (process.platform !== 'linux') {
    throw new NativeError('UNSUPPORTED', 'memory is mapped on Linux only');
  }
  const libc = loadLibrary(null);
  const required = (fn: NativeFunction | null): NativeFunction => {
    if (fn === null) throw new NativeError('UNSUPPORTED', 'the C library cannot map memory');
    return fn;
  };
  return {
    mmap: required(
      bindSymbol(libc, 'mmap', 'address', ['address', 'size', 'int', 'int', 'int', 'int64']),
    ),
    munmap: required(bindSymbol(libc, 'munmap', 'int', ['address', 'size'])),
    mprotect: required(bindSymbol(libc, 'mprotect', 'int', ['address', 'size', 'int'])),
    sigaction: required(bindSymbol(libc, 'sigaction', 'int', ['int', 'address', 'address'])),
  };
}

/** @returns Where the memory was mapped, null when the system refused. */
export function mapMemory(
  address: number,
  byteLength: number,
  protection: number,
  flags: number,
  descriptor: number,
  offset: number,
): number | null {
  const at = systemMemory().mmap(address, byteLength, protection, flags, descriptor, offset);
  return at > 0 && at < ADDRESS_MAX ? at : null;
}
