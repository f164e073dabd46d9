export {
  fromBfloat16Bits,
  fromFloat16Bits,
  toBfloat16Bits,
  toFloat16Bits,
} from '@nereid/protocol/data-types';
export type {
  CompletableConfig,
  ConfigTensor,
  Model,
  ModelContext,
  ModelControl,
  ModelLogger,
} from './model.ts';
export type { Counter, Gauge, Histogram, MetricOptions, ModelMetrics } from './model-metrics.ts';
export type { InferenceRequest, InferenceResponse, Parameters, Reschedule } from './request.ts';
export type { CallAnswer, CallOptions } from './server-call.ts';
export type { DataType, InputTensor, OutputTensor, TensorArrays, TypedArray } from './tensor.ts';
export { type ErrorCode, TritonError } from './triton-error.ts';
