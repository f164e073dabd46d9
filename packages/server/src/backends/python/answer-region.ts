import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * Memory that a worker has made and this process opens by its descriptor, for what the worker sends
 * without having been given memory for it. Read through the descriptor and never mapped here: a worker
 * that shrinks it could end this process otherwise.
 */
export class AnswerRegion {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * @param path As `/proc/<pid>/fd/<descriptor>`.
   * @returns Null where that is not allowed: the socket carries everything then.
   */
  static open(pid: number, path: string): AnswerRegion | null {
    if (!new RegExp(`^/proc/${pid}/fd/\\d+$`, 'u').test(path)) return null;
    let descriptor: number | null = null;
    try {
      // Without waiting: what lies there may be a pipe.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      if (fstatSync(descriptor).isFile()) return new AnswerRegion(descriptor);
    } catch {
      // As if there were none.
    }
    if (descriptor !== null) closeSync(descriptor);
    return null;
  }

  /** @throws Error when the region does not hold that much. */
  read(target: Uint8Array, offset: number): void {
    for (let done = 0; done < target.byteLength; ) {
      const rest = target.byteLength - done;
      const count = readSync(this.#descriptor, target, done, rest, offset + done);
      if (count === 0) throw new Error(`the worker's memory ends before ${offset + done}`);
      done += count;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
