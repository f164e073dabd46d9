/** The mean of values, and how sure it is. */
export class RunningMean {
  count = 0;
  mean = 0;
  #squares = 0;

  add(value: number): void {
    const error = value - this.mean;
    this.mean += error / ++this.count;
    this.#squares += error * (value - this.mean);
  }

  /** Of the mean's error; not a number below two values. */
  get variance(): number {
    return this.#squares / (this.count - 1) / this.count;
  }
}
