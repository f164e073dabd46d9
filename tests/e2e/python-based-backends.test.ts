import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addSubModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureOpenvinoEnv } from '../../tools/openvino-env.mjs';
import { ensureTorchEnv } from '../../tools/torch-env.mjs';
import { pythonRuntimeFlag } from './python-models.ts';
import { temporaryRepository } from './temporary-repository.ts';

const openvino = ensureOpenvinoEnv();
const torch = findTorch();

/** One that is there already is used, of whatever version. */
function findTorch(): { readonly python: string | null; readonly reason: string } {
  for (const python of [process.env['NEREID_TORCH_PYTHON'], 'python3', '/usr/bin/python3']) {
    if (python === undefined) continue;
    if (spawnSync(python, ['-c', 'import torch, numpy']).status === 0)
      return { python, reason: '' };
  }
  const installed = ensureTorchEnv();
  return installed.available
    ? { python: installed.python, reason: '' }
    : { python: null, reason: installed.reason };
}

const started: { server: ServerProcess; remove: () => void }[] = [];

afterAll(async () => {
  for (const { server, remove } of started) {
    await server.stop();
    remove();
  }
});

async function serve(
  files: Readonly<Record<string, string | Uint8Array>>,
  flags: readonly string[],
  prepare: (repository: string) => void = () => {},
): Promise<ServerProcess> {
  const repository = temporaryRepository(files);
  prepare(repository.path);
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      ...flags,
    ],
  });
  started.push({ server, remove: repository.remove });
  return server;
}

async function load(server: ServerProcess, model: string): Promise<string> {
  const url = `${server.url}/v2/repository/models/${model}/load`;
  return (await fetch(url, { method: 'POST' })).text();
}

type Values = Readonly<Record<string, readonly (number | string)[]>>;

/** Inputs of FP32, or strings, of one row each; the data of the outputs by name. */
async function infer(server: ServerProcess, model: string, inputs: Values): Promise<unknown> {
  const body = {
    inputs: Object.entries(inputs).map(([name, data]) => ({
      name,
      shape: [1, data.length],
      datatype: typeof data[0] === 'string' ? 'BYTES' : 'FP32',
      data,
    })),
  };
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as {
    error?: string;
    outputs?: { name: string; data: number[] }[];
  };
  if (json.outputs === undefined) return json.error;
  return Object.fromEntries(json.outputs.map(({ name, data }) => [name, data]));
}

function runPython(python: string, script: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(python, ['-c', script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

const openvinoReason = openvino.available ? '' : ` (skipped: ${openvino.reason})`;

describe.skipIf(!openvino.available)(`the OpenVINO backend${openvinoReason}`, () => {
  const python = openvino.available ? openvino.python : '';
  const add = addSubModel('FLOAT', ['batch', 4]);
  const addFixed = addSubModel('FLOAT', [1, 4]);
  const convert =
    'import sys, openvino as ov; ov.save_model(ov.Core().read_model(sys.argv[1]), sys.argv[2])';
  const io = (kind: string, names: string[]): string =>
    names
      .map((name) => `${kind} [ { name: "${name}" data_type: TYPE_FP32 dims: [ 4 ] } ]`)
      .join('\n');
  let server: ServerProcess;

  it('loads what has no configuration, and completes it', async () => {
    server = await serve(
      {
        'plain/1/': '',
        'onnx/config.pbtxt': 'backend: "openvino" default_model_filename: "model.onnx"',
        'onnx/1/model.onnx': add,
        'fixed/config.pbtxt': `backend: "openvino" max_batch_size: 8 ${io('input', ['INPUT0', 'INPUT1'])} ${io('output', ['OUTPUT0', 'OUTPUT1'])} dynamic_batching { max_queue_delay_microseconds: 100000 preferred_batch_size: 4 }`,
        'fixed/1/': '',
        'wrong/config.pbtxt': `backend: "openvino" max_batch_size: 8 ${io('input', ['INPUT0', 'OTHER'])} ${io('output', ['OUTPUT0'])}`,
        'wrong/1/': '',
        'broken/config.pbtxt': 'backend: "openvino"',
        'broken/1/model.xml': 'no model',
        'source/add.onnx': add,
        'source/fixed.onnx': addFixed,
      },
      [`--backend-config=openvino,python-runtime=${python}`],
      (repository) => {
        const convertTo = (file: string, model: string): void => {
          mkdirSync(join(repository, model, '1'), { recursive: true });
          const target = join(repository, model, '1', 'model.xml');
          runPython(python, convert, join(repository, 'source', file), target);
        };
        convertTo('add.onnx', 'plain');
        convertTo('fixed.onnx', 'fixed');
        convertTo('fixed.onnx', 'wrong');
      },
    );
    for (const model of ['plain', 'onnx']) {
      expect(await load(server, model)).toBe('');
      const answer = await fetch(`${server.url}/v2/models/${model}/config`);
      const config = (await answer.json()) as Record<string, unknown>;
      expect(config).toMatchObject({ backend: 'openvino', max_batch_size: 4 });
      expect(config['input']).toMatchObject([
        { name: 'INPUT0', data_type: 'TYPE_FP32', dims: [4] },
        { name: 'INPUT1', data_type: 'TYPE_FP32', dims: [4] },
      ]);
      expect(await infer(server, model, { INPUT0: [1, 2, 3, 4], INPUT1: [1, 1, 1, 1] })).toEqual({
        OUTPUT0: [2, 3, 4, 5],
        OUTPUT1: [0, 1, 2, 3],
      });
    }
  }, 60_000);

  it('joins requests, also of a model that was made for one', async () => {
    expect(await load(server, 'fixed')).toBe('');
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        infer(server, 'fixed', { INPUT0: [n, n, n, n], INPUT1: [1, 1, 1, 1] }),
      ),
    );
    expect(answers.map((answer) => (answer as { OUTPUT0: number[] }).OUTPUT0[0])).toEqual([
      2, 3, 4, 5,
    ]);
    const statistics = await fetch(`${server.url}/v2/models/fixed/stats`);
    const stats = (await statistics.json()) as {
      model_stats: { inference_count: number; execution_count: number }[];
    };
    expect(stats.model_stats[0]).toMatchObject({ inference_count: 4, execution_count: 1 });
  });

  it.each([
    ['wrong', "unexpected inference input 'OTHER', allowed inputs are: INPUT0, INPUT1"],
    ['broken', 'model.xml'],
  ])('says what is wrong with a model (%s)', async (model, text) => {
    expect(await load(server, model)).toContain(text);
  });
});

describe.skipIf(torch.python === null)(`the PyTorch backend (${torch.reason})`, () => {
  const script = `import sys, torch
from typing import List, Tuple
class AddSub(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        return a + b, a - b
class Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2
class Upper(torch.nn.Module):
    def forward(self, words: List[str]) -> List[str]:
        return [word.upper() for word in words]
root = sys.argv[1]
for name, model in (("indexed", AddSub()), ("named", Double()), ("words", Upper()), ("wrong", Double())):
    torch.jit.script(model).save(f"{root}/{name}/1/model.pt")
`;
  const tensor = (kind: string, name: string, type = 'FP32'): string =>
    `${kind} [ { name: "${name}" data_type: TYPE_${type} dims: [ -1 ] } ]\n`;
  let server: ServerProcess;

  it('runs TorchScript', async () => {
    server = await serve(
      {
        // In another order than the arguments'.
        'indexed/config.pbtxt': `platform: "pytorch_libtorch" max_batch_size: 4 ${tensor('input', 'INPUT__1')}${tensor('input', 'INPUT__0')}${tensor('output', 'OUTPUT__1')}${tensor('output', 'OUTPUT__0')}`,
        'indexed/1/': '',
        'named/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'x')}${tensor('output', 'y')}`,
        'named/1/': '',
        'words/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'words', 'STRING')}${tensor('output', 'y', 'STRING')}`,
        'words/1/': '',
        'wrong/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'nothing')}${tensor('output', 'y')}`,
        'wrong/1/': '',
      },
      [`--backend-config=pytorch,python-runtime=${torch.python}`],
      (repository) => {
        // TorchScript reads the source of what it compiles, which must be a module.
        writeFileSync(join(repository, 'make_models.py'), script);
        const run = 'import sys; sys.path.insert(0, sys.argv[1]); import make_models';
        runPython(torch.python as string, run, repository);
      },
    );
    expect(await load(server, 'indexed')).toBe('');
    expect(await infer(server, 'indexed', { INPUT__0: [5, 6], INPUT__1: [1, 2] })).toEqual({
      OUTPUT__0: [6, 8],
      OUTPUT__1: [4, 4],
    });
    expect(await load(server, 'named')).toBe('');
    expect(await infer(server, 'named', { x: [1.5] })).toEqual({ y: [3] });
    expect(await load(server, 'words')).toBe('');
    expect(await infer(server, 'words', { words: ['a', 'É'] })).toEqual({ y: ['A', 'É'] });
  }, 120_000);

  it('says which arguments a model has', async () => {
    expect(await load(server, 'wrong')).toContain(
      "input 'nothing' of model 'wrong' is no argument of forward (x) and does not end in '__<index>'",
    );
  });
});

describe('backends in Python', () => {
  it.each([
    ['openvino', 'model.xml', 'openvino'],
    ['pytorch', 'model.pt', 'torch'],
    ['tensorflow', 'model.savedmodel/saved_model.pb', 'tensorflow'],
    ['tensorrt', 'model.plan', 'tensorrt'],
    ['vllm', 'model.json', 'vllm'],
  ])('say which package is missing (%s)', async (backend, file, pack) => {
    const io =
      backend === 'vllm'
        ? ''
        : 'input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ] output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]';
    const server = await serve(
      { 'm/config.pbtxt': `backend: "${backend}" ${io}`, [`m/1/${file}`]: '{}' },
      [pythonRuntimeFlag()],
    );
    expect(await load(server, 'm')).toMatch(
      new RegExp(
        `the ${backend} backend needs the Python package '${pack}' .*-m pip install ${pack}`,
        'u',
      ),
    );
  });

  it('are taken from --backend-directory, before ours', async () => {
    const code = (factor: number): string => `import helper
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.offset = float(open(pb_utils.get_model_dir() + "/model.txt").read())

    def execute(self, requests):
        answer = lambda r: pb_utils.Tensor("y", helper.scaled(r.inputs()[0].as_numpy(), ${factor}) + self.offset)
        return [pb_utils.InferenceResponse([answer(r)]) for r in requests]
`;
    const backends = temporaryRepository({
      'scale/model.py': code(10),
      'scale/helper.py': 'def scaled(x, factor):\n    return (x * factor).astype("float32")\n',
      'openvino/model.py': code(100),
      'openvino/helper.py': 'def scaled(x, factor):\n    return (x * factor).astype("float32")\n',
    });
    const config = (backend: string): string =>
      `backend: "${backend}" runtime: "model.py" input [ { name: "x" data_type: TYPE_FP32 dims: [ 1, 1 ] } ] output [ { name: "y" data_type: TYPE_FP32 dims: [ 1, 1 ] } ]`;
    const server = await serve(
      {
        'a/config.pbtxt': config('scale'),
        'a/1/model.txt': '1',
        'b/config.pbtxt': config('openvino'),
        'b/1/model.txt': '2',
      },
      [`--backend-directory=${backends.path}`, pythonRuntimeFlag()],
    );
    expect([await load(server, 'a'), await load(server, 'b')]).toEqual(['', '']);
    expect(await infer(server, 'a', { x: [3] })).toEqual({ y: [31] });
    expect(await infer(server, 'b', { x: [3] })).toEqual({ y: [302] });
    backends.remove();
  });
});
