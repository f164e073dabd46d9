const windowNs = 1e9;

/** How often something may happen in a second. */
export class RateBudget {
  readonly #max: number;
  readonly #nowNs: () => number;
  #left: number;
  #sinceNs: number;

  constructor(max: number, nowNs: () => number) {
    this.#max = max;
    this.#nowNs = nowNs;
    this.#left = max;
    this.#sinceNs = nowNs();
  }

  /** It happens. @returns False when it happens too often. */
  spend(): boolean {
    if (this.#left > 0) {
      this.#left--;
      return true;
    }
    // The clock is asked only when a whole budget is used up.
    const nowNs = this.#nowNs();
    if (nowNs - this.#sinceNs < windowNs) return false;
    this.#sinceNs = nowNs;
    this.#left = this.#max - 1;
    return true;
  }

  /** Something useful has happened that makes up for `count` of them. */
  credit(count: number): void {
    this.#left = Math.min(this.#max, this.#left + count);
  }
}
