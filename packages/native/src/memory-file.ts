import { closeSync, ftruncateSync, readFileSync } from 'node:fs';
import { bindSymbol, loadLibrary, type NativeFunction } from './koffi-library.ts';
import { mappedView } from './mapped-view.ts';
import { addressNumberOf } from './memory.ts';
import { MAP_SHARED, mapMemory, PROT_READ, PROT_WRITE } from './system-memory.ts';

const MFD_CLOEXEC = 0x1;
const MFD_ALLOW_SEALING = 0x2;
const F_ADD_SEALS = 1033;
/** No further seals, no shrinking, no growing. */
const SEALS = 0x1 | 0x2 | 0x4;
const MADV_REMOVE = 9;

interface FileCalls {
  readonly memfd_create: NativeFunction;
  readonly fcntl: NativeFunction;
  readonly madvise: NativeFunction;
}

let bound: FileCalls | null | undefined;

/** Null where the C library lacks one. */
function fileCalls(): FileCalls | null {
  if (bound !== undefined) return bound;
  const libc = loadLibrary(null);
  const memfd_create = bindSymbol(libc, 'memfd_create', 'int', ['text', 'int']);
  const fcntl = bindSymbol(libc, 'fcntl', 'int', ['int', 'int', 'int']);
  const madvise = bindSymbol(libc, 'madvise', 'int', ['address', 'size', 'int']);
  bound = memfd_create && fcntl && madvise ? { memfd_create, fcntl, madvise } : null;
  return bound;
}

function discard(address: number, byteLength: number): void {
  fileCalls()?.madvise(address, byteLength, MADV_REMOVE);
}

/**
 * An anonymous file in memory, for this process and those that it gives the descriptor to. Its size is
 * sealed, so that no process can take pages away under the mappings of another (they would get SIGBUS).
 * Pages that nobody wrote take no memory.
 */
export class MemoryFile {
  /** Closed when a program is executed, unless it is handed over. */
  readonly descriptor: number;

  private constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /**
   * @param name What /proc shows.
   * @returns Null where the system has no such files, or allows none of that size.
   */
  static create(name: string, byteLength: number): MemoryFile | null {
    if (process.platform !== 'linux' || fileBytesMax() < byteLength) return null;
    const calls = fileCalls();
    if (calls === null) return null;
    const descriptor = calls.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return null;
    try {
      ftruncateSync(descriptor, byteLength);
      if (calls.fcntl(descriptor, F_ADD_SEALS, SEALS) === 0) {
        return new MemoryFile(descriptor);
      }
    } catch {
      // A limit of the system: as if there were no such files.
    }
    closeSync(descriptor);
    return null;
  }

  /**
   * Maps a part. The mapping lasts as long as anything refers to it, and then the part's memory goes.
   *
   * @param offset A multiple of the page size.
   * @param unreferenced Called when nothing refers to it any more.
   * @returns Null when the system refused.
   */
  map(offset: number, byteLength: number, unreferenced: () => void): Buffer | null {
    const protection = PROT_READ | PROT_WRITE;
    const address = mapMemory(0, byteLength, protection, MAP_SHARED, this.descriptor, offset);
    if (address === null) return null;
    const memory = mappedView(address, byteLength, () => {
      discard(address, byteLength);
      unreferenced();
    });
    return Buffer.from(memory);
  }

  /** Gives the memory behind a mapping back to the system: it reads as zeros from then on. */
  static discard(memory: Buffer): void {
    discard(addressNumberOf(memory), memory.length);
  }

  /** Mappings stay as they are, with the memory behind them. Once. */
  close(): void {
    closeSync(this.descriptor);
  }
}

/** What `ulimit -f` allows: a larger file would end this process with SIGXFSZ. */
function fileBytesMax(): number {
  try {
    const [, limit] =
      /^Max file size\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
