import { jsonDoubleText, type ParameterValue } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import type { NumberedRequest } from '../worker/open-request.ts';
import { sequenceFlags } from '../worker/sequence-flags.ts';
import type { TensorDescription } from '../worker/worker-message.ts';

/** Says of a request's inputs where they are. */
export type DescribeInputs = (request: NumberedRequest) => readonly TensorDescription[];

/**
 * The message that has a batch executed. Written by hand, since JSON.stringify rounds no bigint: it refuses it.
 * @param grant Memory for the answers, `[place, bytes]`; null for none.
 */
export function executeText(
  batch: number,
  requests: readonly NumberedRequest[],
  describeInputs: DescribeInputs,
  grant: readonly [number, number] | null,
): string {
  const texts = requests.map((request) => requestText(request, describeInputs(request)));
  const granted = grant === null ? '' : `"grant":[${grant}],`;
  return `{"kind":"execute","batch":${batch},${granted}"requests":[${texts.join(',')}]}`;
}

function requestText(
  { number, request }: NumberedRequest,
  inputs: readonly TensorDescription[],
): string {
  const { sequenceId, timeoutUs, custom } = request.parameters;
  const correlation =
    typeof sequenceId === 'string' ? JSON.stringify(sequenceId) : String(sequenceId ?? 0);
  const parameters = custom.size === 0 ? '"{}"' : JSON.stringify(parametersText(custom));
  return (
    `{"number":${number},"id":${JSON.stringify(request.id)},"correlation":${correlation},` +
    `"flags":${sequenceFlags(request.parameters)},"timeout":${timeoutUs},"parameters":${parameters},` +
    `"outputs":${JSON.stringify(request.outputNames)},` +
    `"inputs":${JSON.stringify(inputs)}${traceText(request)}${pacedText(request)}}`
  );
}

/** Whether the model is to wait, after each of many answers, until the next is wanted. */
function pacedText({ parent }: InferRequest): string {
  return parent?.paces === true ? ',"paced":true' : '';
}

/** The context is '' where only this server's own traces are made. */
function traceText({ trace }: InferRequest): string {
  return trace == null ? '' : `,"trace":${JSON.stringify(trace.context)}`;
}

/** The parameters as the JSON text that the model is given. */
function parametersText(parameters: ReadonlyMap<string, ParameterValue>): string {
  const members = [...parameters].map(
    ([name, parameter]) => `${JSON.stringify(name)}:${valueText(parameter)}`,
  );
  return `{${members.join(',')}}`;
}

function valueText(parameter: ParameterValue): string {
  if (parameter.kind === 'string') return JSON.stringify(parameter.value);
  if (parameter.kind === 'double') return jsonDoubleText(parameter.value);
  return String(parameter.value);
}
