/**
 * Models for the work around `digits`: a picture of 64 x 64 bytes to its input, and its answer to a name,
 * written in JavaScript and in Python.
 */
import { readFileSync } from 'node:fs';

/** The code of both steps in a language. */
export interface StepCode {
  /** Takes `picture`, gives `image`. */
  readonly prepare: string;
  /** Takes `probabilities`, gives `digit` and `confidence`. */
  readonly name: string;
}

export const javascriptSteps: StepCode = {
  prepare: `export const execute = (requests) =>
  requests.map((request) => {
    const { data, shape: [count] } = request.input('picture', 'UINT8');
    const image = new Float32Array(count * 64);
    for (let square = 0; square < image.length; square++) {
      const start = (square >> 3) * 512 + (square & 7) * 8;
      let sum = 0;
      for (let row = start; row < start + 512; row += 64) {
        sum += data[row] + data[row + 1] + data[row + 2] + data[row + 3];
        sum += data[row + 4] + data[row + 5] + data[row + 6] + data[row + 7];
      }
      image[square] = (sum / 64) * (16 / 255);
    }
    return { outputs: [{ name: 'image', shape: [count, 1, 8, 8], data: image }] };
  });`,
  name: readFileSync(
    new URL('../../examples/models/digit_name/1/model.js', import.meta.url),
    'utf8',
  ),
};

export const pythonSteps: StepCode = {
  prepare: `import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(pb_utils.get_input_tensor_by_name(r, "picture").as_numpy()) for r in requests]

    def answer(self, grey):
        squares = grey.reshape(-1, 1, 8, 8, 8, 8).mean(axis=(3, 5), dtype=np.float32)
        return pb_utils.InferenceResponse([pb_utils.Tensor("image", squares * np.float32(16 / 255))])
`,
  name: `import numpy as np
import triton_python_backend_utils as pb_utils

NAMES = np.array([b"zero", b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eight", b"nine"], dtype=object)


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(pb_utils.get_input_tensor_by_name(r, "probabilities").as_numpy()) for r in requests]

    def answer(self, scores):
        return pb_utils.InferenceResponse([
            pb_utils.Tensor("digit", NAMES[scores.argmax(axis=1)][:, None]),
            pb_utils.Tensor("confidence", scores.max(axis=1, keepdims=True)),
        ])
`,
};

export const batching = 'max_batch_size: 32 dynamic_batching { }';
export const tensor = (kind: string, name: string, type: string, dims: string): string =>
  `${kind} { name: "${name}" data_type: TYPE_${type} dims: [ ${dims} ] }`;
export const picture: string = tensor('input', 'picture', 'UINT8', '64, 64');
export const answers: string = `${tensor('output', 'digit', 'STRING', '1')} ${tensor('output', 'confidence', 'FP32', '1')}`;
export const step = (
  model: string,
  inputs: readonly string[],
  outputs: readonly string[],
): string =>
  `step { model_name: "${model}" model_version: -1 ${inputs.map((name) => `input_map { key: "${name}" value: "${name}" }`).join(' ')} ${outputs.map((name) => `output_map { key: "${name}" value: "${name}" }`).join(' ')} }`;

export const image: string = tensor('output', 'image', 'FP32', '1, 8, 8');
export const probabilities: string = tensor('input', 'probabilities', 'FP32', '10');

/** A picture for the first step. */
export const grey: Uint8Array = Uint8Array.from({ length: 4096 }, (_, index) => (index * 7) % 256);

/** Both models of a language: `<backend>_prepare` and `<backend>_name`, with one instance each. */
export function stepFiles(backend: string, file: string, code: StepCode): Record<string, string> {
  const head = `backend: "${backend}" ${batching} instance_group [ { count: 1 kind: KIND_CPU } ]`;
  return {
    [`${backend}_prepare/config.pbtxt`]: `${head} ${picture} ${image}`,
    [`${backend}_prepare/1/${file}`]: code.prepare,
    [`${backend}_name/config.pbtxt`]: `${head} ${probabilities} ${answers}`,
    [`${backend}_name/1/${file}`]: code.name,
  };
}
