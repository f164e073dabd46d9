import {
  type DocumentedFamily,
  documentedFamily as family,
  modelLabels,
} from './documented-family.ts';
import { gpuFamilies } from './gpu-families.ts';
import {
  cacheLatencySummaries,
  firstResponseHistogram,
  latencyHistograms,
  latencySummaries,
} from './latency-families.ts';
import { ownFamilies } from './own-families.ts';

const loaded = 'while a version is loaded';
const latencies = 'while a version is loaded, unless counter_latencies=false';
const cached = 'while a version that uses the response cache is loaded';

/** Names and help texts are Triton's: dashboards look for them. */
export const inferenceRequestSuccess: DocumentedFamily = family(
  'nv_inference_request_success',
  'counter',
  'Number of successful inference requests, all batch sizes',
  modelLabels,
  loaded,
);
export const inferenceRequestFailure: DocumentedFamily = family(
  'nv_inference_request_failure',
  'counter',
  'Number of failed inference requests, all batch sizes',
  [...modelLabels, 'reason'],
  loaded,
);
export const inferenceCount: DocumentedFamily = family(
  'nv_inference_count',
  'counter',
  'Number of inferences performed (does not include cached requests)',
  modelLabels,
  loaded,
);
export const inferenceExecCount: DocumentedFamily = family(
  'nv_inference_exec_count',
  'counter',
  'Number of model executions performed (does not include cached requests)',
  modelLabels,
  loaded,
);
export const inferenceRequestDuration: DocumentedFamily = family(
  'nv_inference_request_duration_us',
  'counter',
  'Cumulative inference request duration in microseconds (includes cached requests)',
  modelLabels,
  latencies,
);
export const inferenceQueueDuration: DocumentedFamily = family(
  'nv_inference_queue_duration_us',
  'counter',
  'Cumulative inference queuing duration in microseconds (includes cached requests)',
  modelLabels,
  latencies,
);
export const inferenceComputeInputDuration: DocumentedFamily = family(
  'nv_inference_compute_input_duration_us',
  'counter',
  'Cumulative compute input duration in microseconds (does not include cached requests)',
  modelLabels,
  latencies,
);
export const inferenceComputeInferDuration: DocumentedFamily = family(
  'nv_inference_compute_infer_duration_us',
  'counter',
  'Cumulative compute inference duration in microseconds (does not include cached requests)',
  modelLabels,
  latencies,
);
export const inferenceComputeOutputDuration: DocumentedFamily = family(
  'nv_inference_compute_output_duration_us',
  'counter',
  'Cumulative inference compute output duration in microseconds (does not include cached requests)',
  modelLabels,
  latencies,
);
export const cacheHits: DocumentedFamily = family(
  'nv_cache_num_hits_per_model',
  'counter',
  'Number of cache hits per model',
  modelLabels,
  cached,
);
export const cacheHitDuration: DocumentedFamily = family(
  'nv_cache_hit_duration_per_model',
  'counter',
  'Total cache hit duration per model, in microseconds',
  modelLabels,
  cached,
);
export const cacheMisses: DocumentedFamily = family(
  'nv_cache_num_misses_per_model',
  'counter',
  'Number of cache misses per model',
  modelLabels,
  cached,
);
export const cacheMissDuration: DocumentedFamily = family(
  'nv_cache_miss_duration_per_model',
  'counter',
  'Total cache miss (insert+lookup) duration per model, in microseconds',
  modelLabels,
  cached,
);
const localCache = 'with --cache-config=local,…';
export const cacheUtilization: DocumentedFamily = family(
  'nv_cache_util',
  'gauge',
  'Cache utilization [0.0 - 1.0]',
  [],
  localCache,
);
export const cacheEntries: DocumentedFamily = family(
  'nv_cache_num_entries',
  'gauge',
  'Number of responses stored in response cache',
  [],
  localCache,
);
export const cacheHitsAll: DocumentedFamily = family(
  'nv_cache_num_hits',
  'gauge',
  'Number of cache hits in response cache',
  [],
  localCache,
);
export const cacheMissesAll: DocumentedFamily = family(
  'nv_cache_num_misses',
  'gauge',
  'Number of cache misses in response cache',
  [],
  localCache,
);
export const cacheLookups: DocumentedFamily = family(
  'nv_cache_num_lookups',
  'gauge',
  'Number of cache lookups in response cache',
  [],
  localCache,
);
export const cacheEvictions: DocumentedFamily = family(
  'nv_cache_num_evictions',
  'gauge',
  'Number of cache evictions in response cache',
  [],
  localCache,
);
export const cacheLookupDuration: DocumentedFamily = family(
  'nv_cache_lookup_duration',
  'gauge',
  'Total cache lookup duration (hit and miss), in microseconds',
  [],
  localCache,
);
export const cacheInsertionDuration: DocumentedFamily = family(
  'nv_cache_insertion_duration',
  'gauge',
  'Total cache insertion duration, in microseconds',
  [],
  localCache,
);
export const pendingRequestCount: DocumentedFamily = family(
  'nv_inference_pending_request_count',
  'gauge',
  'Instantaneous number of pending requests awaiting execution per-model.',
  modelLabels,
  loaded,
);
export const modelLoadDuration: DocumentedFamily = family(
  'nv_model_load_duration_secs',
  'gauge',
  'Model load time in seconds',
  modelLabels,
  loaded,
);
export const pinnedMemoryTotal: DocumentedFamily = family(
  'nv_pinned_memory_pool_total_bytes',
  'gauge',
  'Pinned memory pool total memory size, in bytes',
  [],
  'always; 0, since there is no pinned memory without a GPU',
);
export const pinnedMemoryUsed: DocumentedFamily = family(
  'nv_pinned_memory_pool_used_bytes',
  'gauge',
  'Pinned memory pool used memory size, in bytes',
  [],
  'always; 0, since there is no pinned memory without a GPU',
);
export const cpuUtilization: DocumentedFamily = family(
  'nv_cpu_utilization',
  'gauge',
  'CPU utilization rate [0.0 - 1.0]',
  [],
  'with --allow-cpu-metrics; of the container’s processor quota where it has one, else of the machine',
);
export const cpuMemoryTotal: DocumentedFamily = family(
  'nv_cpu_memory_total_bytes',
  'gauge',
  'CPU total memory (RAM), in bytes',
  [],
  'with --allow-cpu-metrics; the container’s limit where it has one, else the machine’s memory',
);
export const cpuMemoryUsed: DocumentedFamily = family(
  'nv_cpu_memory_used_bytes',
  'gauge',
  'CPU used memory (RAM), in bytes',
  [],
  'with --allow-cpu-metrics; of the container where its memory is limited, else of the machine',
);

/** Every family that can be on the metrics page, for the reference. */
export const metricFamilies: readonly DocumentedFamily[] = [
  inferenceRequestSuccess,
  inferenceRequestFailure,
  inferenceCount,
  inferenceExecCount,
  inferenceRequestDuration,
  inferenceQueueDuration,
  inferenceComputeInputDuration,
  inferenceComputeInferDuration,
  inferenceComputeOutputDuration,
  cacheHits,
  cacheHitDuration,
  cacheMisses,
  cacheMissDuration,
  cacheUtilization,
  cacheEntries,
  cacheHitsAll,
  cacheMissesAll,
  cacheLookups,
  cacheEvictions,
  cacheLookupDuration,
  cacheInsertionDuration,
  pendingRequestCount,
  modelLoadDuration,
  pinnedMemoryTotal,
  pinnedMemoryUsed,
  cpuUtilization,
  cpuMemoryTotal,
  cpuMemoryUsed,
  firstResponseHistogram,
  ...Object.values(latencySummaries),
  ...Object.values(cacheLatencySummaries),
  ...Object.values(latencyHistograms),
  ...gpuFamilies,
  ...ownFamilies,
];
