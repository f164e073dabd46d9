/**
 * Counts the requests that a scheduler has, and shuts its door: after `close` nothing more may come
 * in, and everybody who waits learns when the last request is answered.
 */
export class RequestIntake {
  #inflight = 0;
  #closed = false;
  #whenDrained: (() => void)[] = [];

  /** Requests that wait or run. */
  get inflight(): number {
    return this.#inflight;
  }

  /** Counts a request in, the refused ones too. @returns false when it must be refused. */
  enter(): boolean {
    this.#inflight++;
    return !this.#closed;
  }

  /** Counts a request out: once for each that entered. */
  leave(): void {
    if (--this.#inflight > 0) return;
    for (const drained of this.#whenDrained.splice(0)) drained();
  }

  /** Resolves when the last request is out. May be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#inflight > 0) {
      await new Promise<void>((resolve) => this.#whenDrained.push(resolve));
    }
  }
}
