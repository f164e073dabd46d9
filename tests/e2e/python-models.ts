import { join } from 'node:path';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';

/** The flag that has Python models run by the tests' own Python, which has numpy. */
export function pythonRuntimeFlag(): string {
  return `--backend-config=python,python-runtime=${ensurePythonEnv()}`;
}

/** For a server whose Python models find the stand-ins of packages that are too large, or want a GPU. */
export const standInEnvironment: Readonly<Record<string, string>> = {
  PYTHONPATH: join(checkout, 'tests', 'e2e', 'python', 'stand-ins'),
};

/** `config.pbtxt` of a Python model: X [-1] in, Y [-1] out, of one type, without batching. */
export function pythonConfig(extra = '', dataType = 'INT32'): string {
  return `backend: "python"
max_batch_size: 0
input [ { name: "X" data_type: TYPE_${dataType} dims: [ -1 ] } ]
output [ { name: "Y" data_type: TYPE_${dataType} dims: [ -1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
${extra}`;
}

/** `model.py` whose `execute` answers each request with what `body` makes of `x`, an array, and `r`. */
export function pythonModel(body: string, rest = ''): string {
  const indented = body
    .split('\n')
    .map((line) => `            ${line}`)
    .join('\n');
  return `import asyncio, ctypes, json, os, sys, threading, time
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for r in requests:
            x = pb_utils.get_input_tensor_by_name(r, "X").as_numpy()
            y = x
${indented}
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("Y", y)]))
        return responses
${rest}`;
}
