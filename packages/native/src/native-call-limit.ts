import { NativeError } from './native-error.ts';

/** Calls that wait for a thread; beyond that a caller is refused, so that nothing grows unbounded. */
const WAITING_MAX_DEFAULT = 4096;
/** libuv's own default for UV_THREADPOOL_SIZE. */
const THREAD_POOL_SIZE_DEFAULT = 4;
/** libuv's own upper bound. */
const THREAD_POOL_SIZE_MAX = 1024;

/**
 * Size of libuv's thread pool, on which koffi runs its asynchronous calls (it has no pool of its own).
 * The pool also serves file reads, DNS and zlib. It takes its size from UV_THREADPOOL_SIZE at its
 * first use, so a program may still set `process.env.UV_THREADPOOL_SIZE` as the first thing it does.
 */
export function threadPoolSize(environment: NodeJS.ProcessEnv = process.env): number {
  const size = Number.parseInt(environment['UV_THREADPOOL_SIZE'] ?? '', 10);
  if (!Number.isInteger(size)) return THREAD_POOL_SIZE_DEFAULT;
  return Math.min(Math.max(size, 1), THREAD_POOL_SIZE_MAX);
}

/**
 * Bounds how many native calls occupy threads of the pool at once; the rest wait in order of arrival.
 */
export class NativeCallLimit {
  readonly runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(runningMax: number, waitingMax: number = WAITING_MAX_DEFAULT) {
    this.runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a place if one is free; every place taken is given back with `release`. */
  tryAcquire(): boolean {
    if (this.#running >= this.runningMax) return false;
    this.#running += 1;
    return true;
  }

  /**
   * Waits for a place. Rejects with LIMIT when too many wait already, and with TERMINATED as soon as
   * the signal is aborted; no place is taken then.
   */
  acquire(signal: AbortSignal | null): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    if (this.#waiting.size >= this.#waitingMax) {
      return Promise.reject(new NativeError('LIMIT', 'too many native calls are waiting'));
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(grant);
        reject(new NativeError('TERMINATED', 'the call was cancelled before it began'));
      };
      const grant = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#waiting.add(grant);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Gives a place back, to the one that has waited longest if any. */
  release(): void {
    if (this.#running === 0) throw new Error('released more native calls than were acquired');
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
