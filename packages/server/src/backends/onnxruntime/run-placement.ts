/**
 * Runs that take longer than this on average happen on a thread. A thread hop costs about 40 µs
 * and leaves the event loop free: worth it only for work that is several times longer.
 */
export const inlineRunNsMax = 250_000;

/**
 * Off the loop a run is seen to take what it takes, the hop, and whatever kept the loop busy when it
 * came back. When even the quickest of some runs took longer than this, it is no model for the loop.
 */
const probeNsMax = 1_000_000;

/** Runs off the loop between two attempts on the loop, at most. */
const probeIntervalMax = 4096;

/**
 * A run on the loop counts as no longer than this: one in which the machine did something else must not send a quick model
 * away, one that is too slow for the loop is seen all the same.
 */
const countedNsMax = 2 * inlineRunNsMax;

/** Runs on the loop in a row after which half of what was held against it is forgotten. */
const forgivenessRuns = 256;

/** Share of a new measurement in the running mean. */
const gain = 0.2;

/** Sizes are told apart by their power of two, up to 4 GiB. */
const bucketsMax = 33;

interface Bucket {
  inline: boolean;
  /** Running mean of runs on the loop, whose times are exact; 0 before the first. */
  meanNs: number;
  /** Of the runs off the loop since the last attempt on it. */
  quickestNs: number;
  runs: number;
  /** In a row on the loop. */
  inlineRuns: number;
  /** Doubles each time that the loop turned out to be the wrong place. */
  probeInterval: number;
}

/**
 * Decides from measured times whether a run of one model happens on the event loop or on a thread.
 * Times are kept apart by input size, since a model that is quick for one image is not for thirty.
 * The first run of a size is off the loop: nothing is known of it, and first runs are slow.
 */
export class RunPlacement {
  readonly #buckets: (Bucket | undefined)[] = new Array<Bucket | undefined>(bucketsMax);

  /** True when a run with so many input bytes should happen on the event loop. */
  runsInline(inputBytes: number): boolean {
    return this.#buckets[bucketOf(inputBytes)]?.inline ?? false;
  }

  /** Learns how long a run took, as the event loop saw it. */
  learn(inputBytes: number, elapsedNs: number, inline: boolean): void {
    const index = bucketOf(inputBytes);
    this.#buckets[index] ??= {
      inline: false,
      meanNs: 0,
      quickestNs: Number.POSITIVE_INFINITY,
      runs: 0,
      inlineRuns: 0,
      probeInterval: 1,
    };
    if (inline) learnInline(this.#buckets[index] as Bucket, elapsedNs);
    else learnOffLoop(this.#buckets[index] as Bucket, elapsedNs);
  }
}

function learnInline(bucket: Bucket, elapsedNs: number): void {
  const countedNs = Math.min(elapsedNs, countedNsMax);
  bucket.meanNs =
    bucket.meanNs === 0 ? countedNs : bucket.meanNs + gain * (countedNs - bucket.meanNs);
  if (bucket.meanNs <= inlineRunNsMax) {
    if (++bucket.inlineRuns % forgivenessRuns === 0) {
      bucket.probeInterval = Math.max(1, bucket.probeInterval >> 1);
    }
    return;
  }
  bucket.inline = false;
  bucket.inlineRuns = 0;
  bucket.probeInterval = Math.min(probeIntervalMax, bucket.probeInterval * 2);
}

function learnOffLoop(bucket: Bucket, elapsedNs: number): void {
  bucket.quickestNs = Math.min(bucket.quickestNs, elapsedNs);
  if (++bucket.runs < bucket.probeInterval) return;
  if (bucket.quickestNs <= probeNsMax) {
    bucket.inline = true;
    bucket.meanNs = 0;
  }
  bucket.quickestNs = Number.POSITIVE_INFINITY;
  bucket.runs = 0;
}

function bucketOf(bytes: number): number {
  return bytes <= 1
    ? 0
    : Math.min(bucketsMax - 1, 32 - Math.clz32(Math.min(bytes, 0xffffffff) - 1));
}
