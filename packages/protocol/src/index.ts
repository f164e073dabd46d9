export { decodeBytesTensor, encodeBytesTensor } from './bytes-tensor.ts';
export {
  type DataType,
  dataTypeFromConfig,
  dataTypes,
  dataTypeToConfig,
  elementByteSize,
  isDataType,
} from './data-type.ts';
export { elementArrayTypes } from './element-array-types.ts';
export {
  decodeGenerateRequest,
  type GenerateContext,
  type GenerateInput,
} from './generate/generate-request-decoder.ts';
export { encodeGenerateResponse } from './generate/generate-response-encoder.ts';
export {
  type DescribedFile,
  type ServedDescriptors,
  servedDescriptors,
} from './grpc/file-descriptors.ts';
export {
  type GrpcInferContext,
  type GrpcInferRequest,
  inferRequestOf,
} from './grpc/infer-request-rules.ts';
export {
  rawContentsOffset,
  readInferRequest,
  type WireInferRequest,
} from './grpc/infer-request-wire.ts';
export {
  encodeInferResponseMessage,
  type ResponseForm,
} from './grpc/infer-response-encoder.ts';
export { decodeMessage, encodeMessage, encodeModelConfigResponse } from './grpc/messages.ts';
export { protoFile, protoFileNames } from './grpc/proto-files.ts';
export { grpcStatusNames } from './grpc-status-names.ts';
export {
  fromBfloat16Bits,
  fromFloat16Bits,
  toBfloat16Bits,
  toFloat16Bits,
} from './half-float.ts';
export { classificationElementsMax, classify } from './infer/classification.ts';
export { decodeInferRequest, type InferRequestContext } from './infer/infer-request-decoder.ts';
export {
  defaultRequestParameters,
  type InferRequestMessage,
  type ParameterValue,
  type RequestedOutput,
  type RequestParameters,
  type SharedMemoryLookup,
  type SharedMemoryRange,
} from './infer/infer-request-message.ts';
export {
  type EncodedInferResponse,
  encodeInferResponse,
  type InferResponseHead,
  type OutputForm,
} from './infer/infer-response-encoder.ts';
export { requestIdPrefix } from './infer/request-id-prefix.ts';
export { jsonDepthMax } from './json/json-reader.ts';
export { jsonDoubleText, jsonStringLiteral } from './json/json-text.ts';
export {
  isUint64,
  type JsonValue,
  jsonMember,
} from './json/json-value.ts';
export { parseJson, readJson } from './json/parse-json.ts';
export * from './model-config/index.ts';
export { grpcStatusByCode, httpStatusByCode, type StatusCode } from './status-code.ts';
export type { Tensor } from './tensor.ts';
export { TritonError } from './triton-error.ts';
