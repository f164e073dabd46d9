import {
  type DocumentedFamily,
  documentedFamily as family,
  modelLabels,
} from './documented-family.ts';

const loaded = 'while a version is loaded';

export const batchSizes: DocumentedFamily = family(
  'nereid_inference_batch_size',
  'histogram',
  'Rows of the batches that were executed',
  [...modelLabels, 'le'],
  loaded,
);
export const modelMemory: DocumentedFamily = family(
  'nereid_model_memory_bytes',
  'gauge',
  'Memory of a model as far as it can be told apart: model_files is the size of the files that an ONNX model was read from, which its session holds at least; worker_resident is the resident memory of the worker processes of a Python model, with libraries that they share counted in each',
  [...modelLabels, 'kind'],
  'while a version is loaded whose backend can tell',
);
export const workerRestarts: DocumentedFamily = family(
  'nereid_python_worker_restarts_total',
  'counter',
  'Worker processes of a Python model that were started in place of one that died',
  modelLabels,
  'while a version of a Python model is loaded',
);
export const httpResponses: DocumentedFamily = family(
  'nereid_http_responses_total',
  'counter',
  'Responses over HTTP by status, of all endpoints; not those of the metrics port',
  ['code'],
  'for each status that was sent',
);
export const grpcResponses: DocumentedFamily = family(
  'nereid_grpc_responses_total',
  'counter',
  'Calls over gRPC that ended, by the name of their status; a stream counts once',
  ['code'],
  'for each status that was sent',
);
export const eventLoopDelay: DocumentedFamily = family(
  'nereid_event_loop_delay_seconds',
  'summary',
  'How much later than asked for the event loop came to a timer, quantiles over the last metrics interval',
  ['quantile'],
  'always',
);
export const eventLoopUtilization: DocumentedFamily = family(
  'nereid_event_loop_utilization_ratio',
  'gauge',
  'Share of the last metrics interval in which the event loop was busy, from 0 to 1',
  [],
  'always',
);
export const processCpu: DocumentedFamily = family(
  'process_cpu_seconds_total',
  'counter',
  'Processor time of the server process, user and system, in seconds',
  [],
  'always; worker processes of Python models are not part of it',
);
export const processMemory: DocumentedFamily = family(
  'process_resident_memory_bytes',
  'gauge',
  'Resident memory of the server process',
  [],
  'always; worker processes of Python models are not part of it',
);
export const processStart: DocumentedFamily = family(
  'process_start_time_seconds',
  'gauge',
  'When the server process was started, in seconds since the Unix epoch',
  [],
  'always',
);

/** Families that Triton does not have; those of latencies are in `latency-families.ts`. */
export const ownFamilies: readonly DocumentedFamily[] = [
  batchSizes,
  modelMemory,
  workerRestarts,
  httpResponses,
  grpcResponses,
  eventLoopDelay,
  eventLoopUtilization,
  processCpu,
  processMemory,
  processStart,
];
