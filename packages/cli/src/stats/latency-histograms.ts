/** How many requests took up to how long: Prometheus' cumulative buckets, by their bounds in seconds. */
export type LatencyBuckets = ReadonlyMap<number, number>;

const family = 'nereid_inference_request_duration_seconds_bucket';
const waitMsMax = 2000;

/** Buckets by `modelKey`. */
export type LatencyHistograms = ReadonlyMap<string, LatencyBuckets>;

export function modelKey(name: string, version: string): string {
  return `${version}/${name}`;
}

/**
 * The latency histograms on a server's metrics page, which it has with
 * `--metrics-config histogram_latencies=true`. Null where they cannot be had: percentiles are not known then.
 *
 * @param address as commands take it; the page is asked for over HTTP, which this server answers on every port.
 */
export async function fetchLatencyHistograms(
  address: string,
  headers: Readonly<Record<string, string>>,
): Promise<LatencyHistograms | null> {
  const [, secure, authority] =
    /^(?:(?:http|grpc)(s?):\/\/)?([^/]+)/iu.exec(address) ?? ([] as (string | undefined)[]);
  if (authority === undefined) return null;
  try {
    const answer = await fetch(`http${secure ?? ''}://${authority}/v2/metrics`, {
      headers,
      signal: AbortSignal.timeout(waitMsMax),
    });
    if (!answer.ok) return null;
    const histograms = readLatencyHistograms(await answer.text());
    return histograms.size === 0 ? null : histograms;
  } catch {
    return null;
  }
}

/** @param page in Prometheus' text format. */
export function readLatencyHistograms(page: string): LatencyHistograms {
  const histograms = new Map<string, Map<number, number>>();
  for (const line of page.split('\n')) {
    if (!line.startsWith(family)) continue;
    const end = line.lastIndexOf('}');
    const labels = new Map(
      [...line.slice(0, end).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gu)].map(([, name, value]) => [
        name as string,
        (value as string).replaceAll(/\\(.)/gu, (_, next) => (next === 'n' ? '\n' : next)),
      ]),
    );
    const key = modelKey(labels.get('model') ?? '', labels.get('version') ?? '');
    const bound = labels.get('le') === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.get('le'));
    const buckets = histograms.get(key) ?? new Map<number, number>();
    const count = Number(
      line
        .slice(end + 1)
        .trim()
        .split(' ')[0],
    );
    // Models of the same name in several namespaces share a line, as in the statistics.
    buckets.set(bound, (buckets.get(bound) ?? 0) + count);
    histograms.set(key, buckets);
  }
  return histograms;
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
