/**
 * As with networks that run on the event loop: below this, being woken for the results of a batch costs more than
 * waiting for them.
 */
const aloneUsMax = 250;
/** Where other instances of the model could run meanwhile. */
const amongOthersUsMax = 25;
/** How long at most: the thread may have no processor. */
const blockMsMax = 0.5;
/** After a wait that was in vain, so many batches are not waited for; twice as many after the next. */
const pauseBatchesMin = 16;
const pauseBatchesMax = 16 * 1024;
/** Weight of the last batch in the average. */
const smoothing = 1 / 8;

/** Decides whether the event loop blocks for the results of a batch, by how long requests before took. */
export class QuickAnswers {
  readonly #usMax: number;
  /** Of one request. */
  #expectedUs = Number.POSITIVE_INFINITY;
  #pauseBatches = 0;
  #nextPause = pauseBatchesMin;

  /** @param alone the model has no other instance */
  constructor(alone: boolean) {
    this.#usMax = alone ? aloneUsMax : amongOthersUsMax;
  }

  /** How long to wait for the results of the batch that was just sent, in milliseconds; 0 for not at all. */
  waitMs(requestCount: number): number {
    if (this.#expectedUs * requestCount > this.#usMax) return 0;
    if (this.#pauseBatches > 0) {
      this.#pauseBatches--;
      return 0;
    }
    return blockMsMax;
  }

  /** @param executeUs how long the model took for a batch, on its thread */
  executed(requestCount: number, executeUs: number): void {
    const requestUs = executeUs / Math.max(1, requestCount);
    const first = this.#expectedUs === Number.POSITIVE_INFINITY;
    this.#expectedUs = first
      ? requestUs
      : this.#expectedUs + (requestUs - this.#expectedUs) * smoothing;
  }

  /** The results that were waited for came, or did not. */
  waited(came: boolean): void {
    if (came) {
      this.#nextPause = pauseBatchesMin;
      return;
    }
    this.#pauseBatches = this.#nextPause;
    this.#nextPause = Math.min(pauseBatchesMax, this.#nextPause * 2);
  }
}
