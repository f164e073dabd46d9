import { type Clock, systemClock } from '../clock.ts';
import { FailureWindow } from './failure-window.ts';
import { type Role, RolloutMetrics, type Route } from './rollout-metrics.ts';
import { stableShare } from './stable-share.ts';

/** When the candidate is given up for a while. */
export interface FallBackOptions {
  /** The part of its requests that may fail. Default 0.1. */
  readonly failureRateMax?: number;
  /** Of the requests of the last so many milliseconds. Default 60 s. */
  readonly windowMs?: number;
  /** With fewer requests nothing is concluded. Default 20. */
  readonly requestsMin?: number;
  /** How long the old function serves all, before the candidate is tried again. Default 60 s. */
  readonly pauseMs?: number;
}

/** What moves from where to where, and how carefully. */
export interface RolloutOptions<Input, Answer> {
  /** Label of the metrics, and salt of the keys' order. */
  readonly name: string;
  /** What serves so far. */
  readonly old: (input: Input) => Promise<Answer> | Answer;
  /** What is to serve. */
  readonly candidate: (input: Input) => Promise<Answer> | Answer;
  /** The part of the keys that the candidate serves, from 0 to 100. Default 0. */
  readonly percentage?: number;
  /** The old function answers all; for its part the candidate runs beside, and is compared. Default false. */
  readonly shadow?: boolean;
  /** Of the requests that the candidate serves, this part is given to the old function, too, to compare. Default 0. */
  readonly comparePercentage?: number;
  /** How far two answers agree, from 0 to 1: `detectionAgreement` for detections. */
  readonly compare?: (old: Answer, candidate: Answer) => number;
  /** From here on two answers count as the same. Default 0.9. */
  readonly agreementMin?: number;
  /** Runs for comparison at a time; further ones are left out. Default 16. */
  readonly shadowsMax?: number;
  readonly fallBack?: FallBackOptions;
  /** Told when the candidate is paused, with the rate of its failures. */
  readonly onPause?: (failureRate: number) => void;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests: from 0 to 1. */
  readonly random?: () => number;
}

/** A function's end. */
type Outcome<Answer> =
  | { readonly failed: false; readonly answer: Answer }
  | { readonly failed: true; readonly error: unknown };

const agreementMinDefault = 0.9;
const shadowsMaxDefault = 16;
const failureRateMaxDefault = 0.1;
const windowMsDefault = 60_000;
const requestsMinDefault = 20;
const pauseMsDefault = 60_000;

/**
 * Moves requests from an old function to a candidate, step by step. Where the candidate fails the old function answers, so a request fails
 * only where both do; and where it fails often, it is left alone for a while.
 */
export class Rollout<Input, Answer> {
  /** Whether the old function answers all. */
  shadow: boolean;
  readonly #options: RolloutOptions<Input, Answer>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #window: FailureWindow;
  readonly #metrics: RolloutMetrics;
  readonly #shadows = new Set<Promise<void>>();
  #percentage = 0;
  #pausedUntilNs: number | null = null;

  /** @throws RangeError for a percentage that is none. */
  constructor(options: RolloutOptions<Input, Answer>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#window = new FailureWindow(this.#clock, options.fallBack?.windowMs ?? windowMsDefault);
    this.#metrics = new RolloutMetrics(options.name);
    this.percentage = options.percentage ?? 0;
    checkPercentage('comparePercentage', options.comparePercentage ?? 0);
    this.shadow = options.shadow ?? false;
  }

  /** The part of the keys that the candidate serves, from 0 to 100. May be changed at any time. */
  get percentage(): number {
    return this.#percentage;
  }

  set percentage(percentage: number) {
    checkPercentage('percentage', percentage);
    this.#percentage = percentage;
  }

  /** Whether the candidate is left alone for its failures. */
  get paused(): boolean {
    return this.#pausedUntilNs !== null && this.#clock.nowNs() < this.#pausedUntilNs;
  }

  /** Tries the candidate again at once. */
  resume(): void {
    this.#pausedUntilNs = null;
    this.#window.clear();
  }

  /** Whose turn a key is at the percentage of now: always the same, and never the old function's again when it grows. */
  routeOf(key: string): Route {
    return stableShare(key, this.#options.name) < this.#percentage ? 'candidate' : 'old';
  }

  /**
   * Answers a request.
   * @param key What stays together, such as a camera or a customer. Without one, chance decides.
   * @throws What the old function throws; never an error of the candidate alone.
   */
  async run(input: Input, key?: string): Promise<Answer> {
    const chosen =
      key === undefined
        ? this.#random() * 100 < this.#percentage
        : this.routeOf(key) === 'candidate';
    if (!chosen || this.paused) return value(await this.#call('old', 'serving', input));
    if (this.shadow) return this.#runOldBesideCandidate(input);
    return this.#runCandidate(input);
  }

  /** The counters, in Prometheus' text format. */
  metrics(): string {
    return this.#metrics.text({ percentage: this.#percentage, paused: this.paused });
  }

  /** Waits until no run for comparison is under way. */
  async idle(): Promise<void> {
    while (this.#shadows.size > 0) await Promise.all(this.#shadows);
  }

  async #runCandidate(input: Input): Promise<Answer> {
    const candidate = await this.#call('candidate', 'serving', input);
    if (candidate.failed) {
      const old = await this.#call('old', 'serving', input);
      // What both refuse is the request's fault.
      if (!old.failed) {
        this.#metrics.fallBacks++;
        this.#judge(true);
      }
      return value(old);
    }
    this.#judge(false);
    if (this.#random() * 100 < (this.#options.comparePercentage ?? 0)) {
      this.#inBackground(async () => {
        this.#compare(await this.#call('old', 'shadow', input), candidate);
      });
    }
    return candidate.answer;
  }

  async #runOldBesideCandidate(input: Input): Promise<Answer> {
    const running = this.#call('old', 'serving', input);
    this.#inBackground(async () => {
      const candidate = await this.#call('candidate', 'shadow', input);
      const old = await running;
      if (old.failed) return;
      this.#judge(candidate.failed);
      this.#compare(old, candidate);
    });
    return value(await running);
  }

  async #call(route: Route, role: Role, input: Input): Promise<Outcome<Answer>> {
    const startNs = this.#clock.nowNs();
    const outcome = await ending(this.#options[route], input);
    const seconds = (this.#clock.nowNs() - startNs) / 1e9;
    this.#metrics.ran(route, role, outcome.failed, seconds);
    return outcome;
  }

  #inBackground(work: () => Promise<void>): void {
    if (this.#shadows.size >= (this.#options.shadowsMax ?? shadowsMaxDefault)) {
      this.#metrics.shadowsDropped++;
      return;
    }
    const running = work().finally(() => this.#shadows.delete(running));
    this.#shadows.add(running);
  }

  /** A comparison that throws has found answers that cannot be compared: they differ. */
  #compare(old: Outcome<Answer>, candidate: Outcome<Answer>): void {
    const { compare, agreementMin = agreementMinDefault } = this.#options;
    if (compare === undefined || old.failed || candidate.failed) return;
    let agreement = 0;
    try {
      agreement = compare(old.answer, candidate.answer);
    } catch {}
    this.#metrics.compared(agreement, agreement >= agreementMin);
  }

  /** Counts a request of the candidate, and pauses it when too many failed. */
  #judge(failed: boolean): void {
    // What began before a pause tells nothing of the time after it.
    if (this.paused) return;
    if (this.#pausedUntilNs !== null) this.resume();
    this.#window.add(failed);
    if (!failed) return;
    const { fallBack = {}, onPause } = this.#options;
    const { requests, failures } = this.#window.counts();
    const rate = failures / requests;
    if (requests < (fallBack.requestsMin ?? requestsMinDefault)) return;
    if (rate <= (fallBack.failureRateMax ?? failureRateMaxDefault)) return;
    this.#pausedUntilNs = this.#clock.nowNs() + (fallBack.pauseMs ?? pauseMsDefault) * 1e6;
    this.#metrics.pauses++;
    onPause?.(rate);
  }
}

function checkPercentage(name: string, percentage: number): void {
  if (percentage >= 0 && percentage <= 100) return;
  throw new RangeError(`${name} is a number from 0 to 100, not ${percentage}`);
}

async function ending<Input, Answer>(
  run: (input: Input) => Promise<Answer> | Answer,
  input: Input,
): Promise<Outcome<Answer>> {
  try {
    return { failed: false, answer: await run(input) };
  } catch (error) {
    return { failed: true, error };
  }
}

function value<Answer>(outcome: Outcome<Answer>): Answer {
  if (outcome.failed) throw outcome.error;
  return outcome.answer;
}
