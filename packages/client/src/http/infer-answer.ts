import { type DataType, isDataType } from '@nereid/protocol/data-types';
import type { ParameterValue } from '../infer-request.ts';
import { InferResult } from '../infer-result.ts';
import { unreadableAnswer } from '../inference-error.ts';
import { Tensor, tensor } from '../tensor/tensor.ts';
import { dataOfBytes } from '../tensor/tensor-data.ts';
import { parseJsonExactly } from './exact-json.ts';

interface AnswerOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly data?: readonly (number | bigint | string | boolean)[];
}

interface AnswerJson {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly outputs?: readonly AnswerOutput[];
}

/**
 * Reads the answer to an inference.
 * @param headerLength Length of the JSON; null when the whole body is JSON.
 * @throws InferenceError INTERNAL for a body that is none.
 */
export function inferAnswer(body: Uint8Array, headerLength: number | null): InferResult {
  try {
    return readAnswer(body, headerLength ?? body.byteLength);
  } catch (cause) {
    throw unreadableAnswer(cause);
  }
}

function readAnswer(body: Uint8Array, headerLength: number): InferResult {
  const answer = parseJsonExactly(
    new TextDecoder().decode(body.subarray(0, headerLength)),
  ) as AnswerJson;
  const outputs = new Map<string, Tensor>();
  let at = headerLength;
  for (const output of answer.outputs ?? []) {
    const { name, datatype, parameters } = output;
    if (!isDataType(datatype)) throw new TypeError(`'${datatype}' is no data type`);
    const shape = output.shape.map(Number);
    const size = parameters?.['binary_data_size'];
    if (size !== undefined) {
      const end = at + Number(size);
      if (end > body.byteLength) throw new RangeError(`the data of '${name}' is cut off`);
      outputs.set(name, new Tensor(datatype, shape, dataOfBytes(datatype, body.subarray(at, end))));
      at = end;
    } else if (output.data !== undefined) {
      outputs.set(name, tensor<DataType>(datatype, shape, output.data.flat(Infinity) as never));
    }
  }
  return new InferResult({
    modelName: answer.model_name,
    modelVersion: answer.model_version,
    id: answer.id ?? '',
    parameters: answer.parameters ?? {},
    outputs,
  });
}
