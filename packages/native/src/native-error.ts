/**
 * A failure reported by a native library.
 *
 * `code` is ONNX Runtime's name of the error (`INVALID_ARGUMENT`, `NO_SUCHFILE`, …), or one of ours:
 * `TERMINATED` (a run stopped by its signal), `LIBRARY` (a library that cannot be loaded or is too
 * old), `LIMIT` (a bound of this package was reached), `CUDA` (the driver's own text), `UNSUPPORTED` (something that the library in
 * use does not offer). `message` is the native library's own text where there is one.
 */
export class NativeError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NativeError';
    this.code = code;
  }
}

/** `OrtErrorCode` of onnxruntime_c_api.h, without its ORT_ prefix; the position is the value. */
const ORT_ERROR_CODES: readonly string[] = [
  'OK',
  'FAIL',
  'INVALID_ARGUMENT',
  'NO_SUCHFILE',
  'NO_MODEL',
  'ENGINE_ERROR',
  'RUNTIME_EXCEPTION',
  'INVALID_PROTOBUF',
  'MODEL_LOADED',
  'NOT_IMPLEMENTED',
  'INVALID_GRAPH',
  'EP_FAIL',
  'MODEL_LOAD_CANCELED',
  'MODEL_REQUIRES_COMPILATION',
  'NOT_FOUND',
  'DEVICE_RESET',
];

/** Name of an `OrtErrorCode`; `FAIL` for one that this version does not know. */
export function ortErrorCodeName(code: number): string {
  return ORT_ERROR_CODES[code] ?? 'FAIL';
}
