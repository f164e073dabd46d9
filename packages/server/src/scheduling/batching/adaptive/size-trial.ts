import { aboutAsGood, outlierFactor } from './batch-costs.ts';
import type { BatchRun } from './batch-run.ts';
import { RunningMean } from './running-mean.ts';
import type { SizeComparison } from './size-comparison.ts';

/** Batches of each size after which a trial is over, whatever it showed. */
const runsMax = 64;

/** Fewer say nothing of how much they differ, and count as they are. */
const runsMin = 3;

/** What a batch costs beside its run, about: a turn of the event loop and its system calls. */
const besideRunNs = 20_000;

/** Turns of one size without a batch of it: requests come too few at a time for it. */
const missedTurnsMax = 8;

/** Differences in standard errors: believed, likely, and enough to leave a smaller size alone. */
const sureErrors = 3;
const likelyErrors = 2;
const behindErrors = 1;

/**
 * What is beside runs does not make up for more than this in their times for an item: where the one size is on
 * the event loop and the other is not, and where both are on threads.
 */
const leavingFactor = 4;
const threadsFactor = 1.5;

/** Runs before a smaller size is believed to be better, or to be somewhat worse. */
const downRunsMin = 8;

/**
 * Compares two sizes of batches by taking turns, so that both meet the same moments of the machine. What was
 * measured at different times cannot be compared on a machine that has other things to do.
 */
export class SizeTrial implements SizeComparison {
  readonly present: number;
  readonly candidate: number;
  readonly #trusted: boolean;
  readonly #small: number;
  readonly #large: number;
  /** What runs took for each item. */
  readonly #smallRuns = new RunningMean();
  readonly #largeRuns = new RunningMean();
  #smallInline = false;
  #largeInline = false;

  /**
   * @param candidate to be the size instead of `present`.
   * @param trusted the candidate wins unless it is clearly worse.
   */
  constructor(present: number, candidate: number, trusted: boolean) {
    this.#trusted = trusted;
    this.present = present;
    this.candidate = candidate;
    this.#small = Math.min(present, candidate);
    this.#large = Math.max(present, candidate);
  }

  get size(): number {
    return this.#smallRuns.count < this.#largeRuns.count ? this.#small : this.#large;
  }

  /** A batch counts for the size that it is about, and for its share of the time where others ran beside it. */
  learn({ size, startNs, endNs, instances, inline }: BatchRun): void {
    const perItemNs = ((endNs - startNs) / instances + besideRunNs) / size;
    if (size > this.#small) {
      addRun(this.#largeRuns, perItemNs);
      this.#largeInline = inline;
    } else if (2 * size > this.#small) {
      addRun(this.#smallRuns, perItemNs);
      this.#smallInline = inline;
    }
  }

  get winner(): number | null {
    const [smallRuns, largeRuns] = [this.#smallRuns.count, this.#largeRuns.count];
    const missed = Math.abs(smallRuns - largeRuns) > missedTurnsMax;
    if (missed && this.candidate > this.present) return this.present;
    const runs = Math.min(smallRuns, largeRuns);
    if (runs < runsMin) return missed ? this.present : null;
    return this.candidate > this.present
      ? this.#afterUp(this.#lead, runs)
      : // A present size that seldom comes about has to be judged by the few times that it does.
        this.#afterDown(-this.#lead, missed ? runsMax : runs);
  }

  get isSure(): boolean {
    return this.#isKnown && Math.abs(this.#lead) > sureErrors;
  }

  /** The smaller size takes the event loop up, and the larger one leaves it free. */
  get leavesLoop(): boolean {
    return this.#isKnown && this.#smallInline && !this.#largeInline;
  }

  /**
   * Times of runs do not decide: what the event loop does while they are on threads matters more than by how much they differ,
   * or the present size does not come about often enough to know.
   */
  get isOpen(): boolean {
    if (this.#largeInline) return false;
    if (!this.#isKnown) return this.candidate < this.present;
    const [small, large] = [this.#smallRuns.mean, this.#largeRuns.mean];
    const factor = this.#smallInline ? leavingFactor : threadsFactor;
    return Math.max(small, large) < factor * Math.min(small, large);
  }

  get #isKnown(): boolean {
    return Math.min(this.#smallRuns.count, this.#largeRuns.count) >= runsMin;
  }

  /** How much better the larger size is, in standard errors; the smaller one must be clearly better. */
  get #lead(): number {
    const error = Math.sqrt(this.#smallRuns.variance + this.#largeRuns.variance);
    return (
      (this.#smallRuns.mean - aboutAsGood * this.#largeRuns.mean) / (error || Number.MIN_VALUE)
    );
  }

  /** A larger size is taken in doubt: at once where nothing larger is known yet, else after many runs. */
  #afterUp(lead: number, runs: number): number | null {
    if (lead < -likelyErrors) return this.present;
    if (this.#trusted || lead > sureErrors) return this.candidate;
    if (runs < runsMax) return null;
    return lead > 0 ? this.candidate : this.present;
  }

  /** A smaller one is not, unless it still leads after many runs. */
  #afterDown(lead: number, runs: number): number | null {
    if (lead < -sureErrors || (lead < -behindErrors && runs >= downRunsMin)) return this.present;
    if (runs >= runsMax) return lead > behindErrors ? this.candidate : this.present;
    return lead > sureErrors && runs >= downRunsMin ? this.candidate : null;
  }
}

function addRun(runs: RunningMean, perItemNs: number): void {
  const limit = runs.count < runsMin ? Number.POSITIVE_INFINITY : outlierFactor * runs.mean;
  runs.add(Math.min(perItemNs, limit));
}
