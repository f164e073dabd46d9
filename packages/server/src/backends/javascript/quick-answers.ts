/** Answers that are expected this soon are waited for by blocking, which costs less than being woken for them. */
const expectedUsMax = 25;
/** How long at most. The thread may have no processor: the event loop has other things to do then. */
const blockMsMax = 0.1;
/** After an answer that did not come, so many batches are not waited for; twice as many after the next. */
const pauseBatchesMin = 16;
const pauseBatchesMax = 16 * 1024;
/** Weight of the last batch in the average. */
const smoothing = 1 / 8;

/** Decides whether the event loop blocks for the answer to a batch, by how long those before took. */
export class QuickAnswers {
  #expectedUs = Number.POSITIVE_INFINITY;
  #pauseBatches = 0;
  #nextPause = pauseBatchesMin;

  /** How long to wait for the answer to the batch that was just sent, in milliseconds; 0 for not at all. */
  waitMs(): number {
    if (this.#expectedUs > expectedUsMax) return 0;
    if (this.#pauseBatches > 0) {
      this.#pauseBatches--;
      return 0;
    }
    return blockMsMax;
  }

  /** @param executeUs how long the model took, on its thread */
  executed(executeUs: number): void {
    this.#expectedUs =
      this.#expectedUs === Number.POSITIVE_INFINITY
        ? executeUs
        : this.#expectedUs + (executeUs - this.#expectedUs) * smoothing;
  }

  /** The answer that was waited for came, or did not. */
  waited(came: boolean): void {
    if (came) {
      this.#nextPause = pauseBatchesMin;
      return;
    }
    this.#pauseBatches = this.#nextPause;
    this.#nextPause = Math.min(pauseBatchesMax, this.#nextPause * 2);
  }
}
