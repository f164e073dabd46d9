export type { DataType } from '@nereid/protocol/data-types';
export type { ClientOptions, RequestPlugin } from './http/http-client-options.ts';
export type { GenerateFields } from './http/http-inference-client.ts';
export type {
  CallOptions,
  Compression,
  InferInputs,
  InferOptions,
  ParameterValue,
  RequestedOutput,
  SequencePlace,
  SharedMemoryInput,
  SharedMemoryRange,
} from './infer-request.ts';
export { InferResult } from './infer-result.ts';
export type * from './inference-client.ts';
export { type ErrorCode, InferenceError } from './inference-error.ts';
export type { AnyModel, InputsOf, ModelTypes, TensorOf } from './model-types.ts';
export { Tensor, type TensorElements, tensor } from './tensor/tensor.ts';
export type { TensorDataOf } from './tensor/tensor-data.ts';
