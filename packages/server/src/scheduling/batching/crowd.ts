/** Batches over which the largest number of items in flight is remembered, at least. */
const windowBatches = 16;

/**
 * How many items there are to expect: the most that were in flight at once of late. When clients send again
 * as soon as they are answered, the missing ones are on their way.
 */
export class Crowd {
  #inflight = 0;
  #peak = 0;
  #peakBefore = 0;
  #batches = 0;

  entered(items: number): void {
    this.#inflight += items;
    if (this.#inflight > this.#peak) this.#peak = this.#inflight;
  }

  left(items: number): void {
    this.#inflight -= items;
  }

  batchSent(): void {
    if (++this.#batches < windowBatches) return;
    this.#batches = 0;
    this.#peakBefore = this.#peak;
    this.#peak = this.#inflight;
  }

  /** The most items that were in flight at once of late. */
  get size(): number {
    return Math.max(this.#peak, this.#peakBefore);
  }

  /** Items that were there of late and are not there now. */
  get missing(): number {
    return this.size - this.#inflight;
  }
}
