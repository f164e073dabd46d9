import type { BatchCosts } from './batch-costs.ts';
import type { BatchRun } from './batch-run.ts';
import { RateTrial } from './rate-trial.ts';
import type { SizeComparison } from './size-comparison.ts';
import { SizeTrial } from './size-trial.ts';

/** Batches between two trials of another size, so that a change is seen. Twice as many while the best one stays the best, four times where it clearly does. */
const trialIntervalMin = 8;
const trialIntervalMax = 4096;

/** The same where rates were compared, which takes longer. */
const ratedIntervalMin = 64;

/** Sizes that differ by less than this share of the present one are not compared. */
const distanceMin = 1 / 8;

/** Batches after which the costs are asked for a size that took clearly less. Four times as many where a trial of it showed nothing. */
const doubtIntervalMin = 32;

/**
 * Finds the size of batches with the most items a second, for loads with about as many items in flight: what is
 * best for many clients need not be for few. Approached from below by doubling, with another one tried now and then.
 */
export class SizeSearch {
  readonly #costs: BatchCosts;
  #best: number;
  /** No size was found to be worse than the one below it yet. */
  #climbing: boolean;
  /** Of the best size, to be tried next in climbing. */
  #climbFactor = 2;
  #trial: SizeComparison | null = null;
  /** Batches of about the best size since the last trial. */
  #sinceTrial = 0;
  #trialInterval = trialIntervalMin;
  /** Batches of about the best size since the costs were last asked for one that is clearly cheaper. */
  #sinceDoubt = 0;
  #doubtInterval = doubtIntervalMin;
  /** Of the three kinds of candidates. */
  #turn = 0;
  /** The next larger size leaves the event loop: those beyond it are tried as well, in turn. */
  #leavesLoop = false;
  #triesUp = 0;
  #triesDown = 0;

  /**
   * @param costs Kept by the owner.
   * @param start The size to begin with.
   * @param climbing It is known from fewer items in flight, or not at all, so that larger ones are tried at once.
   */
  constructor(costs: BatchCosts, start: number, climbing: boolean) {
    this.#costs = costs;
    this.#best = start;
    this.#climbing = climbing;
  }

  get best(): number {
    return this.#best;
  }

  /** The size to aim at: the best one, or another that is compared with it. */
  get size(): number {
    return this.#trial?.size ?? this.#best;
  }

  /**
   * @param reach The largest size that can come, of those that are allowed.
   * @param crowd Items in flight.
   * @param mayTry Another size may be tried.
   */
  learn(run: BatchRun, reach: number, crowd: number, mayTry: boolean): void {
    if (this.#trial !== null) {
      this.#trial.learn(run);
      this.#endTrial(this.#trial, reach, crowd);
      if (this.#trial !== null) return;
    }
    if (2 * run.size > Math.min(this.#best, reach)) {
      this.#sinceTrial++;
      this.#sinceDoubt++;
    }
    if (mayTry) this.#beginTrial(reach);
  }

  #endTrial(trial: SizeComparison, reach: number, crowd: number): void {
    const { present, candidate, winner } = trial;
    if (winner === null) return;
    if (trial instanceof SizeTrial) {
      if (trial.leavesLoop) this.#leavesLoop = candidate > present;
      // A larger size that is trusted while climbing is compared with the smaller ones later.
      if (trial.isOpen && (!this.#climbing || winner === present)) {
        this.#trial = new RateTrial(present, candidate, crowd);
        return;
      }
    }
    this.#trial = null;
    this.#sinceTrial = 0;
    if (winner === candidate) {
      this.#best = winner;
      this.#climbFactor = 2;
      this.#leavesLoop = false;
      this.#trialInterval = trial instanceof RateTrial ? ratedIntervalMin : trialIntervalMin;
      this.#doubtInterval = doubtIntervalMin;
    } else {
      this.#trialInterval = Math.min(
        trialIntervalMax,
        (trial.isSure ? 4 : 2) * this.#trialInterval,
      );
      // Beyond the first size that leaves the event loop may be better ones.
      this.#climbFactor *= 2;
      this.#climbing &&= this.#leavesLoop && candidate < reach;
    }
  }

  #beginTrial(reach: number): void {
    // Larger sizes than can come cannot be told from the largest that can.
    const present = Math.min(this.#best, reach);
    if (present === reach) this.#climbing = false;
    const candidate = Math.min(this.#dueCandidate(present, reach), reach);
    if (candidate === 0) return;
    this.#sinceTrial = 0;
    if (Math.abs(candidate - present) >= present * distanceMin) {
      this.#trial = new SizeTrial(present, candidate, this.#climbing);
    }
  }

  /** The size to be tried now; 0 for none. */
  #dueCandidate(present: number, reach: number): number {
    if (this.#climbing) return this.#climbFactor * present;
    if (this.#sinceDoubt >= this.#doubtInterval) {
      this.#sinceDoubt = 0;
      // What is the best in good moments may be bad in most, as where its runs are on threads.
      const cheaper = this.#costs.clearlyCheaper(present, reach);
      if (cheaper !== null) {
        this.#doubtInterval = Math.min(trialIntervalMax, 4 * this.#doubtInterval);
        return cheaper;
      }
    }
    return this.#sinceTrial >= this.#trialInterval ? this.#candidate(present, reach) : 0;
  }

  /** In turn a smaller size, a larger one, and the one that looks best. */
  #candidate(present: number, reach: number): number {
    this.#turn = (this.#turn + 1) % 3;
    if (this.#turn === 2 && present < reach) return this.#largerCandidate(present, reach);
    const looksBest = this.#costs.bestSize(reach) ?? present;
    if (this.#turn === 0 && looksBest !== present) return looksBest;
    // The half may be as good where the quarter is better.
    return Math.ceil(present / (this.#triesDown++ % 2 === 0 ? 2 : 4));
  }

  /** In turn half as much again, since batches of all that waits are cut otherwise, and doublings. */
  #largerCandidate(present: number, reach: number): number {
    const doublings = this.#leavesLoop ? Math.ceil(Math.log2(reach / present)) : 1;
    const turn = this.#triesUp++ % (doublings + 1);
    return turn === 0 ? Math.ceil(1.5 * present) : present * 2 ** turn;
  }
}
