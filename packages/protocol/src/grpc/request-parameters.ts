import {
  defaultRequestParameters,
  type ParameterValue,
  type RequestParameters,
} from '../infer/infer-request-message.ts';
import { TritonError } from '../triton-error.ts';
import type { InferParameter } from './infer-parameter.ts';
import type { WireParameters } from './infer-request-wire.ts';

const emptyFinalResponse = 'triton_enable_empty_final_response';

/** Parameters of a request, and the one that concerns the stream that it came on. */
export interface GrpcRequestParameters {
  readonly parameters: RequestParameters;
  /** A decoupled model's end is told even where there is nothing more to say. */
  readonly emptyFinalResponse: boolean;
}

const defaults: GrpcRequestParameters = {
  parameters: defaultRequestParameters,
  emptyFinalResponse: false,
};

/**
 * Sorts the parameters of a request into those with a meaning of their own and the client's.
 * @throws TritonError INVALID_ARG with the texts of Triton's gRPC front end.
 */
export function requestParameters(given: WireParameters): GrpcRequestParameters {
  if (given === null) return defaults;
  const custom = new Map<string, ParameterValue>();
  let { sequenceId, sequenceStart, sequenceEnd, priority, timeoutUs } = defaultRequestParameters;
  let emptyFinal = false;
  for (const [name, parameter] of given) {
    switch (name) {
      case 'sequence_id':
        sequenceId = sequenceIdOf(parameter);
        break;
      case 'sequence_start':
        sequenceStart = boolOf(name, parameter);
        break;
      case 'sequence_end':
        sequenceEnd = boolOf(name, parameter);
        break;
      case 'priority':
        priority = priorityOf(parameter);
        break;
      case 'timeout':
        timeoutUs = timeoutOf(parameter);
        break;
      case emptyFinalResponse:
        emptyFinal = boolOf(name, parameter);
        break;
      default:
        custom.set(name, customOf(name, parameter));
    }
  }
  return {
    parameters: {
      sequenceId,
      sequenceStart,
      sequenceEnd,
      priority,
      timeoutUs,
      binaryDataOutput: false,
      custom,
    },
    emptyFinalResponse: emptyFinal,
  };
}

function sequenceIdOf(parameter: InferParameter): number | bigint | string {
  if (parameter.kind === 'int64') return unsigned(parameter.value);
  if (parameter.kind === 'string') return parameter.value;
  throw wrongType('sequence_id', 'int64_param or string_param.');
}

function boolOf(name: string, parameter: InferParameter): boolean {
  if (parameter.kind === 'bool') return parameter.value;
  throw wrongType(name, 'bool_param.');
}

function priorityOf(parameter: InferParameter): number | bigint {
  if (parameter.kind === 'uint64') return parameter.value;
  if (parameter.kind !== 'int64') throw wrongType('priority', 'int64_param or uint64_param.');
  if (parameter.value >= 0) return parameter.value;
  throw new TritonError('INVALID_ARG', "invalid value for 'priority', expected value >= 0.");
}

function timeoutOf(parameter: InferParameter): number | bigint {
  if (parameter.kind === 'int64') return unsigned(parameter.value);
  throw wrongType('timeout', 'int64_param.');
}

/** Triton's core takes a negative number for the unsigned one with the same bits. */
function unsigned(value: number | bigint): number | bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
}

function customOf(name: string, parameter: InferParameter): ParameterValue {
  if (name.startsWith('triton_')) {
    throw new TritonError(
      'INVALID_ARG',
      `parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: ${emptyFinalResponse}`,
    );
  }
  switch (parameter.kind) {
    case 'int64':
      return { kind: 'int', value: parameter.value };
    case 'uint64':
    case 'none':
      throw wrongType(name, 'int64_param, bool_param, or string_param.');
    default:
      return parameter;
  }
}

function wrongType(name: string, expected: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `invalid value type for '${name}' parameter, expected ${expected}`,
  );
}
