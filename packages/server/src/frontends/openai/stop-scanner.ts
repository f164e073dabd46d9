/** What may go out of a text that ends before a stop sequence. */
export interface Scanned {
  readonly text: string;
  readonly stopped: boolean;
}

/** Ends a text that comes in pieces before the first of some sequences. */
export class StopScanner {
  readonly #stops: readonly string[];
  /** The end of the text so far, where a sequence may have begun. */
  #held = '';

  /** @param stops None of them empty. */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(piece: string): Scanned {
    const text = this.#held + piece;
    const end = this.#firstStop(text);
    if (end >= 0) {
      this.#held = '';
      return { text: text.slice(0, end), stopped: true };
    }
    const held = this.#beginningAtEnd(text);
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopped: false };
  }

  /** What is held back so far. */
  get held(): string {
    return this.#held;
  }

  /** What was held back, when nothing follows. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  #firstStop(text: string): number {
    const ends = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    return ends.length === 0 ? -1 : Math.min(...ends);
  }

  /** The length of the longest end of `text` that a sequence begins with. */
  #beginningAtEnd(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      const most = Math.min(stop.length - 1, text.length);
      for (let length = most; length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
