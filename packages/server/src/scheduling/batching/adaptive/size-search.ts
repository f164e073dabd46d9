import type { BatchCosts } from './batch-costs.ts';
import { SizeTrial } from './size-trial.ts';

/** Batches between two trials of another size, so that a change is seen. Twice as many while the best one stays the best, four times where it clearly does. */
const trialIntervalMin = 8;
const trialIntervalMax = 4096;

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
  #trial: SizeTrial | null = null;
  /** Batches of the best size since the last trial. */
  #sinceTrial = 0;
  #trialInterval = trialIntervalMin;
  /** Batches of the best size since the costs were last asked for one that is clearly cheaper. */
  #sinceDoubt = 0;
  #doubtInterval = doubtIntervalMin;
  #tryUp = false;

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
   * @param elapsedNs For how long the batch kept its instance busy.
   * @param reach The largest size that can come, of those that are allowed.
   * @param mayTry Another size may be tried.
   */
  learn(size: number, elapsedNs: number, reach: number, mayTry: boolean): void {
    this.#trial?.learn(size, elapsedNs);
    this.#endTrial();
    if (this.#trial !== null) return;
    if (size >= Math.min(this.#best, reach)) {
      this.#sinceTrial++;
      this.#sinceDoubt++;
    }
    if (mayTry) this.#beginTrial(reach);
  }

  #endTrial(): void {
    const trial = this.#trial;
    const winner = trial?.winner ?? null;
    if (trial === null || winner === null) return;
    this.#trial = null;
    this.#sinceTrial = 0;
    if (winner === trial.candidate) {
      this.#best = winner;
      this.#trialInterval = trialIntervalMin;
      this.#doubtInterval = doubtIntervalMin;
    } else {
      this.#trialInterval = Math.min(
        trialIntervalMax,
        (trial.isSure ? 4 : 2) * this.#trialInterval,
      );
      this.#climbing = false;
    }
  }

  #beginTrial(reach: number): void {
    // Larger sizes than can come cannot be told from the largest that can.
    const present = Math.min(this.#best, reach);
    if (present === reach) this.#climbing = false;
    const candidate = Math.min(this.#dueCandidate(present, reach), reach);
    if (candidate === 0) return;
    this.#sinceTrial = 0;
    if (candidate !== present) this.#trial = new SizeTrial(present, candidate, this.#climbing);
  }

  /** The size to be tried now; 0 for none. */
  #dueCandidate(present: number, reach: number): number {
    if (this.#climbing) return 2 * present;
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

  /** In turn a larger size, and the one that looks best or, where that is the present one, a smaller size. */
  #candidate(present: number, reach: number): number {
    this.#tryUp = !this.#tryUp;
    if (this.#tryUp && present < reach) return 2 * present;
    const looksBest = this.#costs.bestSize(reach) ?? present;
    return looksBest === present ? Math.ceil(present / 2) : looksBest;
  }
}
