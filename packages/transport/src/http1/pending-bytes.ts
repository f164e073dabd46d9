/** Bytes that arrived before their turn, in order. */
export class PendingBytes {
  #pieces: Buffer[] = [];
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds `bytes` from `start` on. */
  add(bytes: Buffer, start: number): void {
    this.#pieces.push(start === 0 ? bytes : bytes.subarray(start));
    this.#byteLength += bytes.length - start;
  }

  /** Everything, in one piece. */
  take(): Buffer {
    const whole = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#pieces = [];
    this.#byteLength = 0;
  }
}
