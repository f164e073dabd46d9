import { identityModel, onnxModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag } from './python-models.ts';
import {
  modelFiles,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

/** Longer than any client takes to send what fills a batch, or what does not fit into it: nothing here waits that long. */
const waitForCompany = 'max_queue_delay_microseconds: 60000000';

/**
 * Shows every request the whole batch: each of its three inputs [-1] comes back once for each element of
 * SIZES, one a request. After the models of Triton's own test of batch inputs.
 */
function mirrorModel(): Uint8Array {
  const one = { type: 'FLOAT', shape: [null] } as const;
  const rows = { type: 'FLOAT', shape: [null, null] } as const;
  const names = ['RAGGED', 'SIZES', 'BATCH'];
  return onnxModel({
    nodes: [
      { op: 'Div', inputs: ['SIZES', 'SIZES'], outputs: ['ones'] },
      { op: 'Reshape', inputs: ['ones', 'column'], outputs: ['expander'] },
      ...names.flatMap((name) => [
        { op: 'Reshape', inputs: [name, 'row'], outputs: [`${name}_row`] },
        { op: 'MatMul', inputs: ['expander', `${name}_row`], outputs: [`${name}_SEEN`] },
      ]),
    ],
    inputs: names.map((name) => ({ name, ...one })),
    outputs: names.map((name) => ({ name: `${name}_SEEN`, ...rows })),
    initializers: [
      {
        name: 'row',
        type: 'INT64',
        shape: [2],
        data: new Uint8Array(BigInt64Array.of(1n, -1n).buffer),
      },
      {
        name: 'column',
        type: 'INT64',
        shape: [2],
        data: new Uint8Array(BigInt64Array.of(-1n, 1n).buffer),
      },
    ],
  });
}

function mirrorConfig(sizesKind: string, batchKind: string, dims: string): string {
  const output = (name: string) => `{ name: "${name}" data_type: TYPE_FP32 dims: [ -1 ] }`;
  const batchInput = (kind: string, target: string) =>
    `{ kind: ${kind} target_name: "${target}" data_type: TYPE_FP32 source_input: "RAGGED" }`;
  return `backend: "onnxruntime"
max_batch_size: 4
input [ { name: "RAGGED" data_type: TYPE_FP32 dims: [ ${dims} ] allow_ragged_batch: true } ]
output [ ${['RAGGED_SEEN', 'SIZES_SEEN', 'BATCH_SEEN'].map(output).join(', ')} ]
batch_input [ ${batchInput(sizesKind, 'SIZES')}, ${batchInput(batchKind, 'BATCH')} ]
dynamic_batching { ${waitForCompany} }`;
}

/** Each request gets back what it sent, in the shape in which it did. */
const scatterConfig = `backend: "onnxruntime"
max_batch_size: 4
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ -1, -1 ] allow_ragged_batch: true } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ -1, -1 ] } ]
batch_output [ { target_name: "OUTPUT" kind: BATCH_SCATTER_WITH_INPUT_SHAPE source_input: "INPUT" } ]
dynamic_batching { ${waitForCompany} }`;

/** Answers with how many requests came along; takes inputs of any length, and one that may be missing. */
const companyConfig = `backend: "python"
max_batch_size: 4
input [
  { name: "RAGGED" data_type: TYPE_FP32 dims: [ -1 ] allow_ragged_batch: true },
  { name: "EXTRA" data_type: TYPE_FP32 dims: [ 1 ] optional: true }
]
output [ { name: "COMPANY" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
dynamic_batching { ${waitForCompany} }`;

const companyModel = `import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        company = np.array([[len(requests)]], np.float32)
        return [pb_utils.InferenceResponse([pb_utils.Tensor("COMPANY", company)]) for _ in requests]
`;

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  const mirrors: Record<string, string> = {
    zero: mirrorConfig('BATCH_ELEMENT_COUNT', 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO', '-1'),
    shape: mirrorConfig(
      'BATCH_ACCUMULATED_ELEMENT_COUNT',
      'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE',
      '-1',
    ),
    flat: mirrorConfig('BATCH_ACCUMULATED_ELEMENT_COUNT', 'BATCH_ITEM_SHAPE_FLATTEN', '-1, -1'),
  };
  repository = temporaryRepository({
    'scatter/config.pbtxt': scatterConfig,
    'scatter/1/model.onnx': identityModel('FLOAT', [null]),
    'company/config.pbtxt': companyConfig,
    'company/1/model.py': companyModel,
    ...modelFiles(mirrors, (config) => ({
      'config.pbtxt': config,
      '1/model.onnx': mirrorModel(),
    })),
  });
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
  repository.remove();
});

interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Elements of a tensor of this shape, telling its request and place. */
function elements(request: number, shape: readonly number[]): number[] {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: count }, (_, i) => request * 100 + i);
}

async function infer(
  model: string,
  input: string,
  shape: readonly number[],
  data: readonly number[],
): Promise<Map<string, Output>> {
  return inferAll(model, [{ name: input, shape, data }]);
}

async function inferAll(model: string, tensors: readonly Output[]): Promise<Map<string, Output>> {
  const inputs = tensors.map((tensor) => ({ ...tensor, datatype: 'FP32' }));
  const response = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  const body = (await response.json()) as { outputs: readonly Output[] };
  expect(response.status, JSON.stringify(body)).toBe(200);
  return new Map(body.outputs.map((output) => [output.name, output]));
}

async function executions(model: string): Promise<number> {
  const response = await fetch(`${server.url}/v2/models/${model}/stats`);
  const body = (await response.json()) as { model_stats: { execution_count: number }[] };
  return body.model_stats[0]?.execution_count ?? 0;
}

/** Four requests of these shapes, which fill a batch. */
async function fourAtOnce(
  model: string,
  input: string,
  shapes: readonly (readonly number[])[],
): Promise<Map<string, Output>[]> {
  const answers = await Promise.all(
    shapes.map((shape, index) => infer(model, input, shape, elements(index, shape))),
  );
  expect(await executions(model)).toBe(1);
  return answers;
}

describe('requests of different lengths in one batch', () => {
  const lengths = [2, 4, 1, 3];
  const shapes = lengths.map((length) => [1, length]);

  it('are seen by the model one after the other, with their lengths', async () => {
    const answers = await fourAtOnce('zero', 'RAGGED', shapes);
    for (const answer of answers) {
      const sizes = answer.get('SIZES_SEEN')?.data as number[];
      expect([...sizes].sort()).toEqual([1, 2, 3, 4]);
      const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b));
      expect(answer.get('BATCH_SEEN')?.data).toEqual([0, ...ends]);
      const inOrder = sizes.flatMap((size) => elements(lengths.indexOf(size), [size]));
      expect(answer.get('RAGGED_SEEN')).toMatchObject({ shape: [1, 10], data: inOrder });
    }
  });

  it('tell the longest by a shape', async () => {
    const answers = await fourAtOnce('shape', 'RAGGED', shapes);
    for (const answer of answers) {
      expect(answer.get('BATCH_SEEN')).toMatchObject({ shape: [1, 4], data: [0, 0, 0, 0] });
      expect(answer.get('SIZES_SEEN')?.data.at(-1)).toBe(10);
    }
  });

  it('tell the shapes of their items', async () => {
    const matrices = [
      [1, 4, 1],
      [1, 1, 2],
      [1, 1, 2],
      [1, 2, 2],
    ];
    const answers = await fourAtOnce('flat', 'RAGGED', matrices);
    const seen = answers[0]?.get('BATCH_SEEN') as Output;
    expect(seen.shape).toEqual([1, 8]);
    const items = [0, 2, 4, 6].map((at) => seen.data.slice(at, at + 2).join('x'));
    expect(items.sort()).toEqual(['1x2', '1x2', '2x2', '4x1']);
  });

  it('get back their part of an output in their own shape', async () => {
    const matrices = [
      [1, 2, 3],
      [1, 1, 1],
      [1, 0, 5],
      [1, 4, 1],
    ];
    const answers = await fourAtOnce('scatter', 'INPUT', matrices);
    for (const [index, answer] of answers.entries()) {
      const shape = matrices[index] as number[];
      expect(answer.get('OUTPUT')).toMatchObject({ shape, data: elements(index, shape) });
    }
  });
});

it('a request that fills more rows than its output has is told so, and the next one is served', async () => {
  const body = {
    inputs: [{ name: 'RAGGED', datatype: 'FP32', shape: [4, 2], data: elements(1, [8]) }],
  };
  const response = await fetch(`${server.url}/v2/models/zero/infer`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  expect([response.status, await response.json()]).toEqual([
    501,
    {
      error:
        "failed to split the output tensor 'BATCH_SEEN' in responses: expected batch size of at least 4 in model output, got 1",
    },
  ]);
  const shape = [4, 1, 1];
  const answer = await infer('scatter', 'INPUT', shape, elements(1, shape));
  expect(answer.get('OUTPUT')).toMatchObject({ shape, data: elements(1, shape) });
});

describe('requests for a Python model', () => {
  const company = async (lengths: readonly number[], extra: boolean): Promise<number[]> => {
    const optional = extra ? [{ name: 'EXTRA', shape: [1, 1], data: [1] }] : [];
    const answers = await Promise.all(
      lengths.map((length) => {
        const ragged = { name: 'RAGGED', shape: [1, length], data: elements(0, [length]) };
        return inferAll('company', [ragged, ...optional]);
      }),
    );
    return answers.flatMap((answer) => answer.get('COMPANY')?.data ?? []);
  };

  it('come together whatever their lengths', async () => {
    expect(await company([1, 2, 3, 4], false)).toEqual([4, 4, 4, 4]);
  });

  it('are not joined when one has an optional input that another lacks', async () => {
    const without = company([1, 2], false);
    const pending = async (): Promise<unknown> => {
      const response = await fetch(`${server.url}/v2/models/company/batching`);
      return ((await response.json()) as { pending_count: number }).pending_count;
    };
    await expect.poll(pending, { interval: 5 }).toBe(2);
    const withExtra = company([3, 4, 5, 6], true);
    expect([await without, await withExtra]).toEqual([
      [2, 2],
      [4, 4, 4, 4],
    ]);
  });
});
