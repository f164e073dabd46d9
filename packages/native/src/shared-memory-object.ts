import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  read,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { bindSymbol, loadLibrary } from './koffi-library.ts';
import { NativeError } from './native-error.ts';
import { SharedMemoryMapping } from './shared-memory-mapping.ts';

/** Where Linux keeps POSIX shared memory; glibc and musl open the files there themselves. */
const FOLDER = '/dev/shm/';
/** `NAME_MAX`, with the terminating NUL. */
const NAME_BYTES_MAX = 255;
/** The most that one call transfers: node takes no more than 2^31 - 1. */
const CALL_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * A POSIX shared-memory object, opened for reading and writing by its key as `shm_open` does. Another
 * process may shrink it at any time: a call that reads it comes back with fewer bytes then.
 *
 * Owned by who opened it, until `close`; no call may be under way then, and no mapping in use.
 */
export class SharedMemoryObject {
  readonly #descriptor: number;
  /** Device and inode. */
  readonly #identity: string;

  private constructor(descriptor: number, identity: string) {
    this.#descriptor = descriptor;
    this.#identity = identity;
  }

  /** @throws NativeError SHARED_MEMORY with the operating system's reason; UNSUPPORTED off Linux. */
  static open(key: string): SharedMemoryObject {
    if (process.platform !== 'linux') {
      throw new NativeError('UNSUPPORTED', 'shared memory objects are supported on Linux only');
    }
    const name = key.replace(/^\/+/u, '');
    // The rules of shm_open; the two directories would fail as such.
    const valid = name !== '' && !/[/\0]/u.test(name) && name !== '.' && name !== '..';
    if (!valid || Buffer.byteLength(name) >= NAME_BYTES_MAX) {
      throw new NativeError('SHARED_MEMORY', `'${key}' is no key of a shared memory object`);
    }
    let descriptor: number;
    try {
      // Without waiting: what lies there may be a pipe.
      const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      descriptor = openSync(FOLDER + name, flags);
    } catch (cause) {
      throw new NativeError('SHARED_MEMORY', (cause as Error).message, { cause });
    }
    const status = fstatSync(descriptor, { bigint: true });
    if (status.isFile()) return new SharedMemoryObject(descriptor, `${status.dev}:${status.ino}`);
    closeSync(descriptor);
    throw new NativeError('SHARED_MEMORY', `'${key}' is no shared memory object`);
  }

  /** Whether the other is open on the same memory. */
  isSame(other: object): boolean {
    return other instanceof SharedMemoryObject && this.#identity === other.#identity;
  }

  /** Its size now. */
  get byteSize(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Fills `target` from `offset` on. @returns How many bytes there were. */
  read(target: Uint8Array, offset: number): number {
    let done = 0;
    while (done < target.byteLength) {
      const length = Math.min(CALL_BYTES_MAX, target.byteLength - done);
      const count = readSync(this.#descriptor, target, done, length, offset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /** The same on another thread. */
  async readOnThread(target: Uint8Array, offset: number): Promise<number> {
    let done = 0;
    while (done < target.byteLength) {
      const length = Math.min(CALL_BYTES_MAX, target.byteLength - done);
      const start = done;
      const count = await transferred((ended) =>
        read(this.#descriptor, target, start, length, offset + start, ended),
      );
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /**
   * Writes all of `source` at `offset`; beyond the end it makes the object larger: compare with
   * `byteSize` first. @throws Error of the system, for example where there is no memory left.
   */
  write(source: Uint8Array, offset: number): void {
    for (let done = 0; done < source.byteLength; ) {
      const length = Math.min(CALL_BYTES_MAX, source.byteLength - done);
      done += writeSync(this.#descriptor, source, done, length, offset + done);
    }
  }

  /** The same on another thread. `source` must not change until it is done. */
  async writeOnThread(source: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < source.byteLength; ) {
      const length = Math.min(CALL_BYTES_MAX, source.byteLength - done);
      const start = done;
      done += await transferred((ended) =>
        write(this.#descriptor, source, start, length, offset + start, ended),
      );
    }
  }

  /**
   * Maps a part of it. @param offset A multiple of the page size.
   * @returns Null where that cannot be done safely, see `SharedMemoryMapping`.
   */
  map(offset: number, byteLength: number): SharedMemoryMapping | null {
    return SharedMemoryMapping.map(this.#descriptor, offset, byteLength);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function transferred(
  start: (ended: (error: NodeJS.ErrnoException | null, count: number) => void) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    start((error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

const PAGE_BYTES_DEFAULT = 4096;
let pageByteSize: number | null = null;

/** Size of a page of memory: what a mapping's offset must be a multiple of. */
export function pageBytes(): number {
  if (pageByteSize === null) {
    const known =
      process.platform === 'win32' ? null : bindSymbol(loadLibrary(null), 'getpagesize', 'int', []);
    pageByteSize = known?.() ?? PAGE_BYTES_DEFAULT;
  }
  return pageByteSize;
}
