import { aboutAsGood, outlierFactor } from './batch-costs.ts';

/** Batches of each size after which a trial is over, whatever it showed. */
const runsMax = 64;

/** Fewer say nothing of how much they differ. */
const runsMin = 3;

/** What a batch costs beside its run, about: a turn of the event loop and its system calls. */
const besideRunNs = 20_000;

/** Turns of one size without a batch of it: requests come too few at a time for it. */
const missedTurnsMax = 8;

/** Differences in standard errors: believed, likely, and enough to leave a smaller size alone. */
const sureErrors = 3;
const likelyErrors = 2;
const behindErrors = 1;

/** Runs before a smaller size is believed to be better, or to be somewhat worse. */
const downRunsMin = 8;

/** What runs of one size took for each item. */
class Runs {
  count = 0;
  meanNs = 0;
  #squares = 0;

  add(perItemNs: number): void {
    const limit = this.count < runsMin ? Number.POSITIVE_INFINITY : outlierFactor * this.meanNs;
    const error = Math.min(perItemNs, limit) - this.meanNs;
    this.meanNs += error / ++this.count;
    this.#squares += error * (Math.min(perItemNs, limit) - this.meanNs);
  }

  /** Of the mean's error. */
  get variance(): number {
    return this.#squares / (this.count - 1) / this.count;
  }
}

/**
 * Compares two sizes of batches by taking turns, so that both meet the same moments of the machine. What was
 * measured at different times cannot be compared on a machine that has other things to do.
 */
export class SizeTrial {
  /** The size that is compared with the present one. */
  readonly candidate: number;
  readonly #present: number;
  readonly #trusted: boolean;
  readonly #small: number;
  readonly #large: number;
  readonly #smallRuns = new Runs();
  readonly #largeRuns = new Runs();

  /**
   * @param candidate to be the size instead of `present`.
   * @param trusted the candidate wins unless it is clearly worse.
   */
  constructor(present: number, candidate: number, trusted: boolean) {
    this.#trusted = trusted;
    this.#present = present;
    this.candidate = candidate;
    this.#small = Math.min(present, candidate);
    this.#large = Math.max(present, candidate);
  }

  /** The size whose turn it is. */
  get size(): number {
    return this.#smallRuns.count < this.#largeRuns.count ? this.#small : this.#large;
  }

  /** Takes note of any batch: it counts for the size that it is about. */
  learn(size: number, elapsedNs: number): void {
    const perItemNs = (elapsedNs + besideRunNs) / size;
    if (size > this.#small) this.#largeRuns.add(perItemNs);
    else if (2 * size > this.#small) this.#smallRuns.add(perItemNs);
  }

  /** The size that is better; null while it is not known. */
  get winner(): number | null {
    const [smallRuns, largeRuns] = [this.#smallRuns.count, this.#largeRuns.count];
    const missed = Math.abs(smallRuns - largeRuns) > missedTurnsMax;
    if (missed && this.candidate > this.#present) return this.#present;
    const runs = Math.min(smallRuns, largeRuns);
    if (runs < runsMin) return missed ? this.#present : null;
    return this.candidate > this.#present
      ? this.#afterUp(this.#lead, runs)
      : // A present size that seldom comes about has to be judged by the few times that it does.
        this.#afterDown(-this.#lead, missed ? runsMax : runs);
  }

  /** The two sizes differ beyond doubt. */
  get isSure(): boolean {
    return Math.abs(this.#lead) > sureErrors;
  }

  /** How much better the larger size is, in standard errors; the smaller one must be clearly better. */
  get #lead(): number {
    const error = Math.sqrt(this.#smallRuns.variance + this.#largeRuns.variance);
    return (
      (this.#smallRuns.meanNs - aboutAsGood * this.#largeRuns.meanNs) / (error || Number.MIN_VALUE)
    );
  }

  /** A larger size is taken in doubt: at once where nothing larger is known yet, else after many runs. */
  #afterUp(lead: number, runs: number): number | null {
    if (lead < -likelyErrors) return this.#present;
    if (this.#trusted || lead > sureErrors) return this.candidate;
    if (runs < runsMax) return null;
    return lead > 0 ? this.candidate : this.#present;
  }

  /** A smaller one is not, unless it still leads after many runs. */
  #afterDown(lead: number, runs: number): number | null {
    if (lead < -sureErrors || (lead < -behindErrors && runs >= downRunsMin)) return this.#present;
    if (runs >= runsMax) return lead > behindErrors ? this.candidate : this.#present;
    return lead > sureErrors && runs >= downRunsMin ? this.candidate : null;
  }
}
