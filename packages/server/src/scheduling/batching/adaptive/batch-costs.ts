/** Share of a new measurement in the running mean, once there are enough of them. */
const gain = 0.1;

/** Measurements of a size that are remembered. */
const recentRuns = 8;

/** Of what was last measured so many batches ago only the newest ones count: the machine may have changed since. */
const staleBatches = 64;
const staleRuns = 3;

/** A measurement counts as no more than so many times the mean: a stop of the machine is no cost of the model. */
export const outlierFactor = 3;

/** Measurements after which a size's cost is known. The first one of a size is slow, and not among them. */
const knownRuns = 3;

/** Of sizes that are about as good as the best one, the largest is taken: what batching saves beside the run is not measured. */
export const aboutAsGood = 0.95;

/** A size that takes no more than this share for an item is clearly cheaper. */
const clearShare = 0.8;

interface SizeCost {
  /** Running means of the sizes and times that this cost was learned from. */
  size: number;
  meanNs: number;
  /** The latest measurements, the oldest first. */
  recentNs: number[];
  /**
   * What a run takes that nothing disturbs: the second fastest of the latest ones. What disturbs a run makes it longer, and
   * on a machine that has other things to do comes in bursts, so that a mean would compare good moments with bad ones.
   */
  usualNs: number;
  deviationNs: number;
  runs: number;
  /** Batches of any size that were learned from when this one was last measured. */
  measuredAt: number;
}

/** One size and what it costs, for reports. */
export interface BatchCost {
  readonly size: number;
  readonly usualNs: number;
}

/**
 * What a batch of each size costs, learned from the runs: sizes up to 8 by themselves, then four classes
 * to each doubling. Between two known sizes the cost is a straight line.
 */
export class BatchCosts {
  readonly #classes: (SizeCost | undefined)[] = [];
  #batches = 0;

  /** @param elapsedNs For how long an instance was busy with the batch. */
  learn(size: number, elapsedNs: number): void {
    const index = classOf(size);
    const known = this.#classes[index];
    const measuredAt = ++this.#batches;
    if (known === undefined || known.runs === 0) {
      const runs = known === undefined ? 0 : 1;
      this.#classes[index] = {
        size,
        meanNs: elapsedNs,
        deviationNs: elapsedNs / 2,
        recentNs: [elapsedNs],
        usualNs: elapsedNs,
        runs,
        measuredAt,
      };
      return;
    }
    known.runs++;
    const share = Math.max(gain, 1 / known.runs);
    remember(known, elapsedNs, measuredAt - known.measuredAt > staleBatches);
    known.measuredAt = measuredAt;
    const error = Math.min(elapsedNs, outlierFactor * known.meanNs) - known.meanNs;
    known.meanNs += share * error;
    known.deviationNs += share * (Math.abs(error) - known.deviationNs);
    known.size += share * (size - known.size);
  }

  /** The largest size that is known; 0 for none. */
  get largestKnown(): number {
    return this.#known().at(-1)?.size ?? 0;
  }

  /** What a batch of this size usually takes; null while nothing is known. */
  usualNs(size: number): number | null {
    return this.#interpolated(size, ({ usualNs }) => usualNs);
  }

  /** A cost that few batches of this size exceed; null while nothing is known. */
  highNs(size: number): number | null {
    return this.#interpolated(size, ({ meanNs, deviationNs }) => meanNs + 3 * deviationNs);
  }

  /** The size up to `sizeMax` with the most items a second; null while nothing is known. */
  bestSize(sizeMax: number): number | null {
    const known = this.#known().filter(({ size }) => size <= sizeMax);
    if (known.length === 0) return null;
    const rates = known.map(({ size, usualNs }) => size / usualNs);
    const enough = aboutAsGood * Math.max(...rates);
    const index = rates.findLastIndex((rate) => rate >= enough);
    return Math.round((known[index] as SizeCost).size);
  }

  /**
   * The size whose batches took the least for an item, all their moments counted, where that is clearly
   * less than what those of `size` took; null where there is none.
   */
  clearlyCheaper(size: number, sizeMax: number): number | null {
    const known = this.#known().filter((cost) => cost.size <= sizeMax);
    const present = known.find((cost) => classOf(Math.round(cost.size)) === classOf(size));
    if (present === undefined) return null;
    const best = known.reduce((a, b) => (perItemNs(b) < perItemNs(a) ? b : a));
    return perItemNs(best) < clearShare * perItemNs(present) ? Math.round(best.size) : null;
  }

  report(): readonly BatchCost[] {
    return this.#known();
  }

  /** Ascending. */
  #known(): SizeCost[] {
    return this.#classes.filter((cost): cost is SizeCost => (cost?.runs ?? 0) >= knownRuns);
  }

  #interpolated(size: number, costOf: (cost: SizeCost) => number): number | null {
    const known = this.#known();
    const above = known.findIndex((cost) => cost.size >= size);
    const [low, high] =
      above < 0
        ? [known.at(-2), known.at(-1)]
        : above === 0
          ? [known[0], known[1]]
          : [known[above - 1], known[above]];
    if (low === undefined || high === undefined) {
      const only = high ?? low;
      // A single point says nothing of what joining saves.
      return only === undefined ? null : (costOf(only) * size) / only.size;
    }
    const slope = Math.max(0, (costOf(high) - costOf(low)) / (high.size - low.size));
    const fixed = Math.max(0, costOf(low) - slope * low.size);
    return above === 0 || above < 0
      ? Math.max(fixed + slope * size, above < 0 ? costOf(high) : 0)
      : costOf(low) + slope * (size - low.size);
  }
}

function perItemNs({ size, meanNs }: SizeCost): number {
  return meanNs / size;
}

function remember(cost: SizeCost, elapsedNs: number, stale: boolean): void {
  const { recentNs } = cost;
  recentNs.push(elapsedNs);
  const kept = stale ? staleRuns : recentRuns;
  if (recentNs.length > kept) recentNs.splice(0, recentNs.length - kept);
  let fastest = Number.POSITIVE_INFINITY;
  let second = Number.POSITIVE_INFINITY;
  for (const ns of recentNs) {
    if (ns < fastest) {
      second = fastest;
      fastest = ns;
    } else if (ns < second) second = ns;
  }
  cost.usualNs = recentNs.length > staleRuns ? second : fastest;
}

/** Batches of about the same size share a class. */
function classOf(size: number): number {
  return size <= 8 ? size : 8 + Math.ceil(4 * Math.log2(size / 8));
}
