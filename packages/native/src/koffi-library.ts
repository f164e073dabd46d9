import koffi, { type LibraryHandle } from 'koffi';
import { NativeError } from './native-error.ts';

/*
 * koffi runs native code on stacks of its own, 128 KiB for a call on a worker thread. Loading a model
 * recurses through its subgraphs and optimises them on that stack, so give it what a thread of libuv
 * has: 8 MiB. The pages are touched, and so cost memory, only as deep as a call really goes. This has
 * to happen before the first library is loaded; koffi refuses it later.
 */
const STACK_BYTES = 8 * 1024 * 1024;
/** Calls queued or running at once; callers bound themselves below that (`NativeCallLimit`). */
export const ASYNC_CALLS_MAX = 256;

if ((koffi.config().async_stack_size ?? 0) < STACK_BYTES) {
  koffi.config({
    sync_stack_size: STACK_BYTES,
    async_stack_size: STACK_BYTES,
    // Stacks kept for the next call instead of being mapped anew: koffi's own maximum.
    resident_async_pools: 32,
    max_async_calls: ASYNC_CALLS_MAX,
  });
}

/**
 * Every library that was ever loaded, for the life of the process. koffi unloads a library once its
 * handle is collected, and the next call would jump into unmapped memory.
 */
const libraries = new Map<string, LibraryHandle>();

/**
 * Loads a shared library, or returns the one loaded before under this path; null is the process
 * itself (its C library included). Throws a `LIBRARY` error with the loader's text.
 */
export function loadLibrary(path: string | null): LibraryHandle {
  const key = path ?? '';
  const known = libraries.get(key);
  if (known !== undefined) return known;
  let handle: LibraryHandle;
  try {
    handle = koffi.load(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NativeError('LIBRARY', `failed to load library '${key}': ${reason}`, {
      cause: error,
    });
  }
  libraries.set(key, handle);
  return handle;
}

/** What crosses to C: addresses and sizes are plain numbers (user space is below 2^47). */
export type NativeArgument = number | bigint | string | boolean | null | Uint8Array;

/** A bound C function that returns an integer or an address; 0 is NULL. */
export interface NativeFunction {
  (...args: readonly NativeArgument[]): number;
  /** The same on a thread of libuv's pool; the last argument is a node-style callback. */
  async(...args: readonly unknown[]): void;
}

/** Parameter and return types of the C functions that we declare. */
export type NativeType = 'address' | 'buffer' | 'size' | 'int' | 'int64' | 'text' | 'path' | 'void';

/*
 * Addresses travel as uintptr_t and not as pointers: a number costs less than a BigInt or a Buffer
 * (57, 87 and 124 ns a call were measured), and up to six integer parameters take koffi's short path.
 */
const KOFFI_TYPES: Record<NativeType, string> = {
  address: 'uintptr_t',
  buffer: 'void *',
  size: 'size_t',
  int: 'int',
  int64: 'int64_t',
  text: 'str',
  path: process.platform === 'win32' ? 'str16' : 'str',
  void: 'void',
};

/** Makes a callable of a function pointer. */
export function bindPointer(
  pointer: number,
  returns: NativeType,
  parameters: readonly NativeType[],
): NativeFunction {
  const proto = koffi.proto(
    null,
    KOFFI_TYPES[returns],
    parameters.map((type) => KOFFI_TYPES[type]),
  );
  return koffi.decode(BigInt(pointer), proto) as NativeFunction;
}

/** Binds an exported function of a library; null where the library has no such symbol. */
export function bindSymbol(
  library: LibraryHandle,
  name: string,
  returns: NativeType,
  parameters: readonly NativeType[],
): NativeFunction | null {
  try {
    return library.func(
      name,
      KOFFI_TYPES[returns],
      parameters.map((type) => KOFFI_TYPES[type]),
    ) as unknown as NativeFunction;
  } catch {
    return null;
  }
}

/** Calls a bound function on a thread of libuv's pool. Buffers must stay referenced by the caller. */
export function callOnThread(fn: NativeFunction, args: readonly NativeArgument[]): Promise<number> {
  return new Promise((resolve, reject) => {
    fn.async(...args, (error: unknown, result: number) => {
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
  });
}
