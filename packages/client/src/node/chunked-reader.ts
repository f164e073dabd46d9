/** Longest line before a chunk, and all trailers together, in bytes. */
const lineBytesMax = 16 * 1024;

const cr = 13;
const lf = 10;

/** Takes the chunks of an answer apart. RFC 9112 section 7.1. */
export class ChunkedReader {
  #line = '';
  /** Of the chunk being read; -1 in a line. */
  #left = -1;
  #afterData = false;
  #inTrailers = false;
  #trailerBytes = 0;
  complete = false;

  /**
   * Reads from `at` on; data is handed to `piece` as views.
   * @returns where it stopped: the end, or behind the last chunk.
   * @throws SyntaxError for what are no chunks.
   */
  read(bytes: Uint8Array, start: number, piece: (data: Uint8Array) => void): number {
    let at = start;
    while (at < bytes.length && !this.complete) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left);
        piece(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) {
          this.#left = -1;
          this.#afterData = true;
        }
      } else at = this.#readLine(bytes, at);
    }
    return at;
  }

  #readLine(bytes: Uint8Array, at: number): number {
    const code = bytes[at] as number;
    if (code !== lf) {
      if (code !== cr) this.#line += String.fromCharCode(code);
      if (this.#line.length + this.#trailerBytes > lineBytesMax)
        throw new SyntaxError('a line before a chunk is too long');
      return at + 1;
    }
    this.#endLine(this.#line);
    this.#line = '';
    return at + 1;
  }

  #endLine(line: string): void {
    if (this.#inTrailers) {
      this.#trailerBytes += line.length;
      this.complete = line === '';
    } else if (this.#afterData) {
      if (line !== '') throw new SyntaxError('a chunk is longer than it says');
      this.#afterData = false;
    } else {
      const size = /^[0-9a-f]{1,12}(?=$|[\t ;])/iu.exec(line)?.[0];
      if (size === undefined) throw new SyntaxError('a chunk has no size');
      this.#left = Number.parseInt(size, 16);
      if (this.#left > 0) return;
      this.#left = -1;
      this.#inTrailers = true;
    }
  }
}
