import { type MetricsRequest, readMetricsPage } from './metrics-page.ts';
import { readServerLatencies, type ServerLatencies } from './server-latencies.ts';

/** Percentiles of latencies, or why there are none. */
export type LatencyAnswer =
  | { readonly latencies: ServerLatencies; readonly reason: null }
  | { readonly latencies: null; readonly reason: string };

/**
 * Asks a server's metrics page for latencies: the statistics that clients are given have only sums, and of sums
 * no percentile can be told.
 */
export async function askLatencies(url: string, how: MetricsRequest): Promise<LatencyAnswer> {
  try {
    const latencies = readServerLatencies(await readMetricsPage(url, how));
    if (latencies.histograms.size + latencies.summaries.size > 0) {
      return { latencies, reason: null };
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return {
      latencies: null,
      reason: `no metrics from ${url} (${text}); say where they are with --metrics-url, such as http://HOST:8002/metrics`,
    };
  }
  return {
    latencies: null,
    reason:
      'the server keeps none; start it with --metrics-config histogram_latencies=true, a Triton with --metrics-config summary_latencies=true',
  };
}
