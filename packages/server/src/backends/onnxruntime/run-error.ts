import { NativeError } from '@nereid/native';
import { TritonError } from '@nereid/protocol';

/** `OrtErrorCode` values, which Triton's texts show as numbers. */
const ortErrorNumbers: Readonly<Record<string, number>> = {
  FAIL: 1,
  INVALID_ARGUMENT: 2,
  NO_SUCHFILE: 3,
  NO_MODEL: 4,
  ENGINE_ERROR: 5,
  RUNTIME_EXCEPTION: 6,
  INVALID_PROTOBUF: 7,
  MODEL_LOADED: 8,
  NOT_IMPLEMENTED: 9,
  INVALID_GRAPH: 10,
  EP_FAIL: 11,
  MODEL_LOAD_CANCELED: 12,
  MODEL_REQUIRES_COMPILATION: 13,
  NOT_FOUND: 14,
};

/** A failure of ONNX Runtime as Triton's backend words it: `onnx runtime error 7: …`, INTERNAL. */
export function onnxError(error: unknown): TritonError {
  if (error instanceof TritonError) return error;
  if (!(error instanceof NativeError)) {
    return new TritonError('INTERNAL', 'unexpected failure of the onnxruntime backend', {
      cause: error,
    });
  }
  if (error.code === 'TERMINATED') {
    return new TritonError('CANCELLED', 'the request was cancelled while it was executed', {
      cause: error,
    });
  }
  const number = ortErrorNumbers[error.code];
  if (number === undefined) return new TritonError('UNAVAILABLE', error.message, { cause: error });
  return new TritonError('INTERNAL', `onnx runtime error ${number}: ${error.message}`, {
    cause: error,
  });
}
