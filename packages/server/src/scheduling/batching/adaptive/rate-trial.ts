import type { BatchRun } from './batch-run.ts';
import { RunningMean } from './running-mean.ts';
import type { SizeComparison } from './size-comparison.ts';

/** Pairs of stretches after which a trial is over, whatever it showed, and before which it is not. */
const pairsMax = 32;
const pairsMin = 3;

/** Batches of a stretch that count, at least, and times that what is in flight is answered in them. */
const batchesMin = 3;
const turnoversMin = 2;

/** Where one size answers no more than so many times what the other does, they are compared to the end. */
const betterRatio = 1.02;

/** A pair counts for no more than this: a stop of the machine is in one of its stretches only. */
const pairRatioMax = 2;

/** Difference in standard errors that is enough where a trial is over. */
const likelyErrors = 1;

/** Instances that idled for longer, and for longer than the next run, had nothing to do. */
const pauseNs = 5_000_000;

/** Pauses after which requests come too seldom to tell anything. */
const pausesMax = 16;

/**
 * Compares two sizes of batches by how fast requests are answered in short stretches of the one and the other. That sees what
 * times of runs do not: a run on a thread leaves the event loop to the requests meanwhile. It says nothing where there is less
 * to do than could be done.
 */
export class RateTrial implements SizeComparison {
  readonly present: number;
  readonly candidate: number;
  readonly #crowd: number;
  /** Of times for an item, the present size's by the candidate's, as logarithms: of stretches that follow one another. */
  readonly #ratios = new RunningMean();
  #stretches = 0;
  #presentNs = 0;
  #candidateNs = 0;
  /** Null while what was sent before the stretch is answered. */
  #startNs: number | null = null;
  #lastNs = 0;
  #items = 0;
  #batches = 0;
  #pauses = 0;

  /** @param crowd items in flight. */
  constructor(present: number, candidate: number, crowd: number) {
    this.present = present;
    this.candidate = candidate;
    this.#crowd = crowd;
  }

  /** The size of the stretch: one, twice the other, twice the one, so that what changes slowly disturbs both alike. */
  get size(): number {
    return ((this.#stretches + 1) >> 1) % 2 === 0 ? this.present : this.candidate;
  }

  learn({ size, startNs, endNs }: BatchRun): void {
    if (startNs - this.#lastNs > Math.max(pauseNs, endNs - startNs)) {
      this.#pauses++;
      this.#begin(null);
    }
    this.#lastNs = endNs;
    this.#items += size;
    this.#batches++;
    if (this.#startNs === null) {
      if (this.#items >= this.#crowd) this.#begin(endNs);
    } else if (this.#items >= turnoversMin * this.#crowd && this.#batches >= batchesMin) {
      this.#end((endNs - this.#startNs) / this.#items, endNs);
    }
  }

  get winner(): number | null {
    const { count, mean } = this.#ratios;
    if (this.#pauses > pausesMax) return this.present;
    const leader = mean > 0 ? this.candidate : this.present;
    if (this.isSure && Math.abs(mean) > Math.log(betterRatio)) return leader;
    if (count < pairsMax) return null;
    return this.#errors > likelyErrors ? leader : this.present;
  }

  get isSure(): boolean {
    const { count } = this.#ratios;
    return count >= pairsMin && this.#errors > sureErrors(count);
  }

  /** By how many standard errors the ratios differ from 1. */
  get #errors(): number {
    const { mean, variance } = this.#ratios;
    return Math.abs(mean) / (Math.sqrt(variance) || Number.MIN_VALUE);
  }

  #begin(startNs: number | null): void {
    this.#startNs = startNs;
    this.#items = 0;
    this.#batches = 0;
  }

  #end(perItemNs: number, endNs: number): void {
    const { size } = this;
    if (size === this.present) this.#presentNs = perItemNs;
    else this.#candidateNs = perItemNs;
    if (this.#stretches++ % 2 === 1) {
      const ratio = this.#presentNs / this.#candidateNs;
      this.#ratios.add(Math.log(Math.min(pairRatioMax, Math.max(1 / pairRatioMax, ratio))));
    }
    // Where the size stays the same, nothing has to settle.
    this.#begin(this.size === size ? endNs : null);
  }
}

/** Difference in standard errors that is believed: of few values these are not well known themselves (Student's t, about). */
function sureErrors(count: number): number {
  return 3 + 16 / (count - 2) ** 1.5;
}
