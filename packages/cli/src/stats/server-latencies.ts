/** How many requests took up to how long: Prometheus' cumulative buckets, by their bounds in seconds. */
export type LatencyBuckets = ReadonlyMap<number, number>;

/** What a server's metrics page says of latencies, by `modelKey`. */
export interface ServerLatencies {
  /** This server's histograms, with which the percentiles of any time can be told. */
  readonly histograms: ReadonlyMap<string, LatencyBuckets>;
  /** Triton's summaries: quantiles of the last minutes in microseconds, by their share. */
  readonly summaries: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

const histogramLine = 'nereid_inference_request_duration_seconds_bucket{';
const summaryLine = 'nv_inference_request_summary_us{';

export function modelKey(name: string, version: string): string {
  return `${version}/${name}`;
}

/** @param page in Prometheus' text format. */
export function readServerLatencies(page: string): ServerLatencies {
  const histograms = new Map<string, Map<number, number>>();
  const summaries = new Map<string, Map<number, number>>();
  for (const line of page.split('\n')) {
    if (line.startsWith(histogramLine)) {
      const { key, labels, value } = sampleOf(line);
      const bound = numberOf(labels.get('le'));
      const buckets = histograms.get(key) ?? new Map<number, number>();
      // Models of the same name in several namespaces share a line, as in the statistics.
      buckets.set(bound, (buckets.get(bound) ?? 0) + value);
      histograms.set(key, buckets);
    } else if (line.startsWith(summaryLine)) {
      const { key, labels, value } = sampleOf(line);
      const quantiles = summaries.get(key) ?? new Map<number, number>();
      if (!Number.isNaN(value)) quantiles.set(numberOf(labels.get('quantile')), value);
      summaries.set(key, quantiles);
    }
  }
  return { histograms, summaries };
}

function sampleOf(line: string): { key: string; labels: Map<string, string>; value: number } {
  const end = line.lastIndexOf('}');
  const labels = new Map(
    [...line.slice(0, end).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gu)].map(([, name, value]) => [
      name as string,
      (value as string).replaceAll(/\\(.)/gu, (_, next) => (next === 'n' ? '\n' : next)),
    ]),
  );
  const [value] = line
    .slice(end + 1)
    .trim()
    .split(' ');
  const key = modelKey(labels.get('model') ?? '', labels.get('version') ?? '');
  return { key, labels, value: numberOf(value) };
}

function numberOf(text: string | undefined): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text);
}

/**
 * The latency in nanoseconds that a share of the requests did not exceed, taken as even within a bucket, as
 * Prometheus' histogram_quantile does; null without requests.
 *
 * @param before what counts is what came after it; null for all.
 */
export function latencyQuantile(
  before: LatencyBuckets | null,
  now: LatencyBuckets | null,
  share: number,
): number | null {
  if (now === null) return null;
  const bounds = [...now.keys()].sort((a, b) => a - b);
  const since = (bound: number): number => (now.get(bound) ?? 0) - (before?.get(bound) ?? 0);
  const total = since(bounds.at(-1) ?? 0);
  if (total <= 0) return null;
  let lower = 0;
  let below = 0;
  for (const bound of bounds) {
    const upTo = since(bound);
    if (upTo >= share * total) {
      // Nothing is known of where in the last bucket they lie.
      if (bound === Number.POSITIVE_INFINITY) return lower * 1e9;
      const part = upTo === below ? 1 : (share * total - below) / (upTo - below);
      return (lower + part * (bound - lower)) * 1e9;
    }
    lower = bound;
    below = upTo;
  }
  return null;
}
