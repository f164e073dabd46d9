import {
  accessError,
  isInt64,
  isUint64,
  JsonDouble,
  type JsonValue,
  jsonBoolean,
  jsonString,
  jsonUint64,
} from '../json/json-value.ts';
import { TritonError } from '../triton-error.ts';
import {
  defaultRequestParameters,
  type ParameterValue,
  type RequestParameters,
} from './infer-request-message.ts';

/**
 * Reads the `parameters` object of a request.
 * @throws TritonError with Triton's texts.
 */
export function readRequestParameters(value: JsonValue | undefined): RequestParameters {
  if (value === undefined) return defaultRequestParameters;
  if (!(value instanceof Map)) {
    throw accessError('failed to get request params.: attempt to get members for non-object');
  }
  const custom = new Map<string, ParameterValue>();
  let { sequenceId, sequenceStart, sequenceEnd, priority, timeoutUs, binaryDataOutput } =
    defaultRequestParameters;
  for (const [name, member] of value) {
    const context = `Unable to parse '${name}'`;
    switch (name) {
      case 'sequence_id':
        sequenceId = isUint64(member) ? member : jsonString(member, context);
        break;
      case 'sequence_start':
        sequenceStart = jsonBoolean(member, context);
        break;
      case 'sequence_end':
        sequenceEnd = jsonBoolean(member, context);
        break;
      case 'priority':
        priority = jsonUint64(member, context);
        break;
      case 'timeout':
        timeoutUs = jsonUint64(member, context);
        break;
      case 'binary_data_output':
        binaryDataOutput = jsonBoolean(member, context);
        break;
      default:
        custom.set(name, customParameter(name, member));
    }
  }
  return {
    sequenceId,
    sequenceStart,
    sequenceEnd,
    priority,
    timeoutUs,
    binaryDataOutput,
    custom,
  };
}

function customParameter(name: string, value: JsonValue): ParameterValue {
  if (name.startsWith('triton_')) {
    throw new TritonError(
      'INVALID_ARG',
      "parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
    );
  }
  return parameterOf(name, value);
}

/** A parameter of the kind that its JSON value has. @throws TritonError INVALID_ARG for what is no scalar. */
export function parameterOf(name: string, value: JsonValue): ParameterValue {
  if (typeof value === 'string') return { kind: 'string', value };
  if (isInt64(value)) return { kind: 'int', value };
  if (typeof value === 'boolean') return { kind: 'bool', value };
  if (value instanceof JsonDouble) return { kind: 'double', value: value.value };
  if (typeof value === 'bigint') return { kind: 'double', value: Number(value) };
  throw new TritonError(
    'INVALID_ARG',
    `parameter '${name}' has invalid type. It should be either 'int', 'bool', or 'string'.`,
  );
}
