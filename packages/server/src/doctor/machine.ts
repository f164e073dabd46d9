import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { cpuQuota, defaultLibraryPath, threadPoolSize } from '@nereid/native';
import { readSystemFile, readSystemUsage } from '../observability/system-usage.ts';

/** What the doctor wants to know of the machine; tests make their own. */
export interface Machine {
  /** Such as `v22.11.0`. */
  readonly nodeVersion: string;
  readonly platform: string;
  /** CPUs of the machine that this process may be scheduled on. */
  readonly cpuCount: number;
  /** CPUs' worth of time that the container's quota grants; equal to `cpuCount` without one. */
  readonly cpuQuota: number;
  /** Memory that may be used: the container's limit, or the machine's. Bytes. */
  readonly memoryBytes: number;
  /** Open files that the process may have; null where that is not known. */
  readonly openFilesMax: number | null;
  /** Size of /dev/shm in bytes; null where there is none. */
  readonly sharedMemoryBytes: number | null;
  /** Runs and file operations that can happen off the event loop at the same time. */
  readonly threadPoolSize: number;
  /** Where ONNX Runtime's library lies; an error's text when it is not there. */
  readonly onnxRuntime: { readonly path: string } | { readonly missing: string };
}

/** Looks at this machine. */
export function thisMachine(): Machine {
  return {
    nodeVersion: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpuCount: availableParallelism(),
    cpuQuota: cpuQuota(),
    memoryBytes: readSystemUsage(readSystemFile, 0)?.memoryTotalBytes ?? totalmem(),
    openFilesMax: openFilesMax(),
    sharedMemoryBytes: sharedMemoryBytes(),
    threadPoolSize: threadPoolSize(),
    onnxRuntime: onnxRuntime(),
  };
}

/** The soft limit: `Max open files  1024  524288  files`. */
function openFilesMax(): number | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+)/mu.exec(limits)?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

function sharedMemoryBytes(): number | null {
  try {
    const { bsize, blocks } = statfsSync('/dev/shm');
    return bsize * blocks;
  } catch {
    return null;
  }
}

function onnxRuntime(): Machine['onnxRuntime'] {
  try {
    return { path: defaultLibraryPath() };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}
