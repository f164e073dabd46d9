import { decodeBytesTensor, type Tensor, TritonError } from '@nereid/protocol';
import type { InferResponse } from '../../core/infer-response.ts';

/** One answer of a model, or one of its many. Null: it says nothing of that. */
export interface ModelAnswer {
  /** UTF-8; a character may be cut in two. */
  readonly text: Uint8Array;
  readonly finishReason: 'stop' | 'length' | null;
  readonly promptTokens: number | null;
  /** Of this answer alone. */
  readonly completionTokens: number | null;
  /** JSON, as vLLM's backend writes it. */
  readonly logprobs: Uint8Array | null;
}

const none = new Uint8Array(0);

/** @throws TritonError INTERNAL for an answer that is not what the model promises. */
export function readAnswer({ outputs }: InferResponse, textOutput: string): ModelAnswer {
  const find = (name: string): Tensor | null =>
    outputs.find((output) => output.name === name) ?? null;
  return {
    text: onlyElement(find(textOutput)) ?? none,
    finishReason: finishReasonOf(onlyElement(find('finish_reason'))),
    promptTokens: readCount(outputs, 'num_input_tokens'),
    completionTokens: readCount(outputs, 'num_output_tokens'),
    logprobs: onlyElement(find('logprobs')),
  };
}

function onlyElement(output: Tensor | null): Uint8Array | null {
  if (output === null || output.data.length === 0) return null;
  if (output.dataType === 'BYTES') {
    const [first, ...more] = decodeBytesTensor(output.data);
    if (first !== undefined && more.length === 0) return first;
  }
  const text = `expected one string in output '${output.name}' of the model`;
  throw new TritonError('INTERNAL', text);
}

/** vLLM writes `None` before the end. */
function finishReasonOf(reason: Uint8Array | null): ModelAnswer['finishReason'] {
  if (reason === null) return null;
  const text = Buffer.from(reason).toString();
  if (text === 'length') return 'length';
  return text === '' || text === 'None' ? null : 'stop';
}

/** The first number of an output of integers; null where there is none. */
export function readCount(outputs: readonly Tensor[], name: string): number | null {
  const output = outputs.find((other) => other.name === name);
  if (output === undefined) return null;
  const { data, dataType } = output;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (dataType === 'UINT32' && data.length >= 4) return view.getUint32(0, true);
  if (dataType === 'INT32' && data.length >= 4) return Math.max(0, view.getInt32(0, true));
  if ((dataType === 'INT64' || dataType === 'UINT64') && data.length >= 8) {
    return Math.max(0, Number(view.getBigInt64(0, true)));
  }
  return null;
}
