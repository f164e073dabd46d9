/** Flag, and length of the message. */
const prefixBytes = 5;
/** The largest message that is taken, as the C++ clients of Triton take it. */
const messageBytesMax = 2 ** 31 - 1;

/** The bytes before a message. */
export function messagePrefix(byteLength: number, compressed: boolean): Uint8Array {
  const prefix = new Uint8Array(prefixBytes);
  prefix[0] = compressed ? 1 : 0;
  for (let at = prefixBytes - 1, rest = byteLength; rest > 0; at--) {
    prefix[at] = rest;
    rest = Math.floor(rest / 256);
  }
  return prefix;
}

/** Cuts the messages out of the bytes of a call; each is copied once, into memory of its size. */
export class MessageFrames {
  readonly #prefix = new Uint8Array(prefixBytes);
  #prefixLength = 0;
  #message: Uint8Array | null = null;
  #filled = 0;

  /** True between two messages. */
  get isWhole(): boolean {
    return this.#prefixLength === 0;
  }

  /** @throws RangeError for a message that is too large. */
  read(bytes: Uint8Array, whole: (message: Uint8Array, flags: number) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#message === null) {
        this.#prefix[this.#prefixLength++] = bytes[at++] as number;
        if (this.#prefixLength < prefixBytes) continue;
        const byteLength = new DataView(this.#prefix.buffer).getUint32(1);
        if (byteLength > messageBytesMax) throw new RangeError(`a message of ${byteLength} bytes`);
        this.#message = new Uint8Array(byteLength);
        this.#filled = 0;
      }
      const message = this.#message;
      const end = Math.min(bytes.length, at + message.length - this.#filled);
      message.set(bytes.subarray(at, end), this.#filled);
      this.#filled += end - at;
      at = end;
      if (this.#filled < message.length) return;
      this.#message = null;
      this.#prefixLength = 0;
      whole(message, this.#prefix[0] as number);
    }
  }
}
