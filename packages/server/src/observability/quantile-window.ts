import type { Clock } from '../core/clock.ts';
import type { SummaryValue } from './metric-sample.ts';

/** Quantiles are over the last minute, in steps of twelve seconds, as in the library that Triton uses. */
const windowCount = 5;
const windowNs = 12e9;

/** Each power of two is divided into so many parts: a quantile is off by less than 1 % of its value. */
const partBits = 6;
const partCount = 1 << partBits;
/** Values below this have a slot each. */
const exactMax = 2 * partCount;
/** Larger values, an hour in microseconds, count as this. */
const valueMax = 2 ** 32 - 1;
const slotCount = slotOf(valueMax) + 1;

/**
 * Quantiles of whole numbers over a sliding minute, with bounded error and bounded memory (7 KiB for
 * each of five windows that had values). Recording is one addition in a table.
 */
export class QuantileWindow {
  readonly #clock: Clock;
  readonly #quantiles: readonly number[];
  /** Made when the first value falls into them. */
  readonly #windows: (Uint32Array | null)[] = new Array(windowCount).fill(null);
  #current = 0;
  #currentEndNs: number;
  #count = 0;
  #sum = 0;

  /** @param quantiles From 0 to 1. */
  constructor(clock: Clock, quantiles: readonly number[]) {
    this.#clock = clock;
    this.#quantiles = quantiles;
    this.#currentEndNs = clock.nowNs() + windowNs;
  }

  /** @param value A whole number, 0 or more. @param nowNs `Clock.nowNs` */
  record(value: number, nowNs: number): void {
    if (nowNs >= this.#currentEndNs) this.#advance(nowNs);
    let window = this.#windows[this.#current] ?? null;
    if (window === null) {
      window = new Uint32Array(slotCount);
      this.#windows[this.#current] = window;
    }
    const slot = slotOf(Math.min(value, valueMax));
    window[slot] = (window[slot] as number) + 1;
    this.#count += 1;
    this.#sum += value;
  }

  value(): SummaryValue {
    const nowNs = this.#clock.nowNs();
    if (nowNs >= this.#currentEndNs) this.#advance(nowNs);
    const merged = new Float64Array(slotCount);
    let recent = 0;
    for (const window of this.#windows) {
      if (window === null) continue;
      for (let slot = 0; slot < slotCount; slot++) {
        merged[slot] = (merged[slot] as number) + (window[slot] as number);
        recent += window[slot] as number;
      }
    }
    return {
      kind: 'summary',
      quantiles: this.#quantiles.map((quantile) => [quantile, valueAt(merged, recent, quantile)]),
      count: this.#count,
      sum: this.#sum,
    };
  }

  /** Empties the windows whose time has come again. */
  #advance(nowNs: number): void {
    const steps = Math.floor((nowNs - this.#currentEndNs) / windowNs) + 1;
    for (let step = 0; step < Math.min(steps, windowCount); step++) {
      this.#current = (this.#current + 1) % windowCount;
      this.#windows[this.#current]?.fill(0);
    }
    this.#currentEndNs += steps * windowNs;
  }
}

/** Small values by themselves, then `partCount` slots for each power of two. */
function slotOf(value: number): number {
  if (value < exactMax) return value;
  const exponent = 31 - Math.clz32(value) - partBits;
  return exponent * partCount + (value >>> exponent);
}

/** The middle of a slot. */
function middleOf(slot: number): number {
  if (slot < exactMax) return slot;
  const exponent = Math.floor(slot / partCount) - 1;
  const low = (slot - exponent * partCount) * 2 ** exponent;
  return low + (2 ** exponent - 1) / 2;
}

function valueAt(counts: Float64Array, total: number, quantile: number): number {
  if (total === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(quantile * total));
  let seen = 0;
  for (let slot = 0; slot < counts.length; slot++) {
    seen += counts[slot] as number;
    if (seen >= rank) return middleOf(slot);
  }
  return Number.NaN;
}
