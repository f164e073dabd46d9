import { type ParameterValue, type RequestParameters, TritonError } from '@nereid/protocol';

/**
 * The parameters of the steps that take a response's tensors: those of the step that gave it, with
 * another place in another sequence where the response says so.
 *
 * @throws TritonError INVALID_ARG for a parameter of the wrong kind, with Triton's texts.
 */
export function parametersAfter(
  given: RequestParameters,
  response: ReadonlyMap<string, ParameterValue>,
): RequestParameters {
  if (response.size === 0) return given;
  const id = response.get('sequence_id');
  const start = response.get('sequence_start');
  const end = response.get('sequence_end');
  if (id === undefined && start === undefined && end === undefined) return given;
  return {
    ...given,
    sequenceId: id === undefined ? given.sequenceId : sequenceIdOf(id),
    sequenceStart: start !== undefined && flagOf(start, 'sequence_start'),
    sequenceEnd: end !== undefined && flagOf(end, 'sequence_end'),
  };
}

/** True when two requests have the same place in the same sequence. */
export function sameSequence(a: RequestParameters, b: RequestParameters): boolean {
  return (
    a === b ||
    ((a.sequenceId ?? 0) === (b.sequenceId ?? 0) &&
      a.sequenceStart === b.sequenceStart &&
      a.sequenceEnd === b.sequenceEnd)
  );
}

const noSequence = sequenceMap(0, false, false);

/** What the answer of an ensemble tells of the sequence of its tensors: Triton tells it of every one. */
export function sequenceParameters({
  sequenceId,
  sequenceStart,
  sequenceEnd,
}: RequestParameters): ReadonlyMap<string, ParameterValue> {
  const none = sequenceId === null || sequenceId === 0;
  if (none && !sequenceStart && !sequenceEnd) return noSequence;
  return sequenceMap(sequenceId ?? 0, sequenceStart, sequenceEnd);
}

function sequenceMap(
  id: number | bigint | string,
  start: boolean,
  end: boolean,
): ReadonlyMap<string, ParameterValue> {
  return new Map<string, ParameterValue>([
    [
      'sequence_id',
      typeof id === 'string'
        ? { kind: 'string', value: id }
        : // Ids are unsigned, integer parameters are signed: Triton casts.
          { kind: 'int', value: typeof id === 'bigint' ? BigInt.asIntN(64, id) : id },
    ],
    ['sequence_start', { kind: 'bool', value: start }],
    ['sequence_end', { kind: 'bool', value: end }],
  ]);
}

function sequenceIdOf(parameter: ParameterValue): number | bigint | string {
  if (parameter.kind === 'string') return parameter.value;
  if (parameter.kind === 'int') {
    return parameter.value < 0 ? BigInt.asUintN(64, BigInt(parameter.value)) : parameter.value;
  }
  throw new TritonError(
    'INVALID_ARG',
    "expected parameter 'sequence_id' to be TRITONSERVER_PARAMETER_INT or TRITONSERVER_PARAMETER_STRING",
  );
}

function flagOf(parameter: ParameterValue, name: string): boolean {
  if (parameter.kind === 'bool') return parameter.value;
  throw new TritonError(
    'INVALID_ARG',
    `expect parameter '${name}' to be TRITONSERVER_PARAMETER_BOOL`,
  );
}
