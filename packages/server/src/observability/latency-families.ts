import { type DocumentedFamily, documentedFamily, modelLabels } from './documented-family.ts';

const histograms = 'while a version is loaded, with histogram_latencies=true';
const summaries = 'while a version is loaded, with summary_latencies=true';
const cachedSummaries =
  'while a version that uses the response cache is loaded, with summary_latencies=true';

/** Triton's only histogram. */
export const firstResponseHistogram: DocumentedFamily = documentedFamily(
  'nv_inference_first_response_histogram_ms',
  'histogram',
  'Duration from request to first response in milliseconds',
  modelLabels,
  histograms,
);

function summary(name: string, help: string, when: string): DocumentedFamily {
  return documentedFamily(name, 'summary', help, [...modelLabels, 'quantile'], when);
}

/** What summaries are kept of. */
export type LatencyStep = 'request' | 'queue' | 'computeInput' | 'computeInfer' | 'computeOutput';

/** Names and help texts are Triton's, in its order. */
export const latencySummaries: Readonly<Record<LatencyStep, DocumentedFamily>> = {
  request: summary(
    'nv_inference_request_summary_us',
    'Summary of inference request duration in microseconds (includes cached requests)',
    'while a version that does not use the response cache is loaded, with summary_latencies=true',
  ),
  queue: summary(
    'nv_inference_queue_summary_us',
    'Summary of inference queuing duration in microseconds (includes cached requests)',
    summaries,
  ),
  computeInput: summary(
    'nv_inference_compute_input_summary_us',
    'Cumulative compute input duration in microseconds (does not include cached requests)',
    summaries,
  ),
  computeInfer: summary(
    'nv_inference_compute_infer_summary_us',
    'Cumulative compute inference duration in microseconds (does not include cached requests)',
    summaries,
  ),
  computeOutput: summary(
    'nv_inference_compute_output_summary_us',
    'Cumulative inference compute output duration in microseconds (does not include cached requests)',
    summaries,
  ),
};

export const cacheLatencySummaries: Readonly<Record<'hit' | 'miss', DocumentedFamily>> = {
  hit: summary(
    'nv_cache_hit_summary_per_model',
    'Summary of cache hit counts/durations per model, in microseconds.',
    cachedSummaries,
  ),
  miss: summary(
    'nv_cache_miss_summary_per_model',
    'Summary of cache miss counts/durations per model, in microseconds.',
    cachedSummaries,
  ),
};

/** Ours: every step of a request, in seconds as Prometheus has it. */
export const latencyHistograms: Readonly<
  Record<'request' | 'queue' | 'compute', DocumentedFamily>
> = {
  request: documentedFamily(
    'nereid_inference_request_duration_seconds',
    'histogram',
    'Time from taking a request up to its final answer, of successful requests',
    [...modelLabels, 'le'],
    histograms,
  ),
  queue: documentedFamily(
    'nereid_inference_queue_duration_seconds',
    'histogram',
    'Time that a successful request waited for an instance',
    [...modelLabels, 'le'],
    histograms,
  ),
  compute: documentedFamily(
    'nereid_inference_compute_duration_seconds',
    'histogram',
    'Time that a successful request was worked on by an instance, with reading its inputs and writing its outputs',
    [...modelLabels, 'le'],
    histograms,
  ),
};
