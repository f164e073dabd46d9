import type { Http2Stream } from './http2-stream.ts';

/** A power of two, as are all sizes. */
const sizeMin = 8;
const noStreams: readonly Http2Stream[] = [];

/**
 * The open streams of a connection, by their numbers: chained in slots, and no `Map`. A map whose entries come and go
 * makes itself anew all the time, each time with a reference from the old table to the new one. Once one table has
 * reached the old generation, all that came after it does, with the streams that were in it then.
 */
export class StreamTable {
  #slots: (Http2Stream | null)[] = new Array(sizeMin).fill(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Http2Stream | undefined {
    let stream = this.#slots[this.#slotOf(id)] ?? null;
    while (stream !== null && stream.id !== id) stream = stream.nextInTable;
    return stream ?? undefined;
  }

  /** @param stream Of a number that no other has. */
  add(stream: Http2Stream): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#size++;
    this.#insert(stream);
  }

  /** Does nothing for one that is not there. */
  delete(stream: Http2Stream): void {
    const slot = this.#slotOf(stream.id);
    let before: Http2Stream | null = null;
    let found = this.#slots[slot] ?? null;
    while (found !== null && found !== stream) {
      before = found;
      found = found.nextInTable;
    }
    if (found === null) return;
    if (before === null) this.#slots[slot] = stream.nextInTable;
    else before.nextInTable = stream.nextInTable;
    stream.nextInTable = null;
    this.#size--;
  }

  /** Those that are open now, in any order: some may be closed while the others are looked at. */
  all(): readonly Http2Stream[] {
    if (this.#size === 0) return noStreams;
    const streams: Http2Stream[] = [];
    for (let stream of this.#slots) {
      for (; stream !== null; stream = stream.nextInTable) streams.push(stream);
    }
    return streams;
  }

  clear(): void {
    this.#slots = new Array(sizeMin).fill(null);
    this.#size = 0;
  }

  #insert(stream: Http2Stream): void {
    const slot = this.#slotOf(stream.id);
    stream.nextInTable = this.#slots[slot] ?? null;
    this.#slots[slot] = stream;
  }

  /** Numbers of one side are all odd or all even. */
  #slotOf(id: number): number {
    return (id >>> 1) & (this.#slots.length - 1);
  }

  #grow(): void {
    const streams = this.all();
    this.#slots = new Array(this.#slots.length * 2).fill(null);
    for (const stream of streams) this.#insert(stream);
  }
}
