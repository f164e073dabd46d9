/** How a stream ended: both sides were done, the peer reset it, or we did. */
export type StreamEnd = 'ended' | 'reset-by-peer' | 'reset-by-us';

const ends: readonly StreamEnd[] = ['ended', 'reset-by-peer', 'reset-by-us'];
const rememberedMax = 1024;

/** How the last streams ended, since that decides what a late frame means: RFC 9113 section 5.1. */
export class ClosedStreams {
  readonly #ids = new Int32Array(rememberedMax);
  readonly #ends = new Uint8Array(rememberedMax);
  #next = 0;

  add(id: number, end: StreamEnd): void {
    this.#ids[this.#next] = id;
    this.#ends[this.#next] = ends.indexOf(end);
    this.#next = (this.#next + 1) % rememberedMax;
  }

  /** @returns Null for a stream that never was, or long ago. */
  find(id: number): StreamEnd | null {
    // Twice in the list after an end and a late frame: the last word counts.
    for (let step = 1; step <= rememberedMax; step++) {
      const slot = (this.#next - step + rememberedMax) % rememberedMax;
      if (this.#ids[slot] === id) return ends[this.#ends[slot]!]!;
    }
    return null;
  }
}
