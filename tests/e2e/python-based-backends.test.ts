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
const tensorflow = [process.env['NEREID_TENSORFLOW_PYTHON'], 'python3'].find(
  (python) =>
    python !== undefined && spawnSync(python, ['-c', 'import numpy, tensorflow']).status === 0,
);

/** One that is there already is used, if it has what PyTorch 2.3 and later have. */
function findTorch(): { readonly python: string | null; readonly reason: string } {
  for (const python of [process.env['NEREID_TORCH_PYTHON'], 'python3', '/usr/bin/python3']) {
    if (python === undefined) continue;
    const look = 'import numpy, torch, torch.export; torch.uint16';
    if (spawnSync(python, ['-c', look]).status === 0) return { python, reason: '' };
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
        'fixed/config.pbtxt': `backend: "openvino" max_batch_size: 8 ${io('input', ['INPUT0', 'INPUT1'])} ${io('output', ['OUTPUT0', 'OUTPUT1'])} dynamic_batching { max_queue_delay_microseconds: 60000000 preferred_batch_size: 4 }`,
        'fixed/1/': '',
        'flat/config.pbtxt': 'backend: "openvino" default_model_filename: "model.onnx"',
        'flat/1/model.onnx': addSubModel('FLOAT', ['batch']),
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
  });

  it('completes what has no dimension but that of the batch', async () => {
    expect(await load(server, 'flat')).toBe('');
    const answer = await fetch(`${server.url}/v2/models/flat/config`);
    const { input } = (await answer.json()) as { input: unknown[] };
    expect(input[0]).toMatchObject({ name: 'INPUT0', dims: [1], reshape: { shape: [] } });
    expect(await infer(server, 'flat', { INPUT0: [5], INPUT1: [2] })).toEqual({
      OUTPUT0: [7],
      OUTPUT1: [3],
    });
  });

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

const types = 'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BF16'.split(
  ' ',
);
const sizeOf = (type: string): number => (type === 'BOOL' ? 1 : Number(/\d+/u.exec(type)?.[0]) / 8);

/**
 * What comes back from the model `types`, which gives two elements of each type back: the types, and all bytes.
 * @param server null for what was sent
 */
async function passedOn(
  server: ServerProcess | null,
): Promise<{ readonly datatypes: readonly string[]; readonly data: string }> {
  const bytes = Buffer.concat(
    types.map((type) =>
      type === 'BF16' ? Buffer.from([0x80, 0x3f, 0, 0x40]) : Buffer.alloc(2 * sizeOf(type), 1),
    ),
  );
  if (server === null) return { datatypes: types, data: bytes.toString('hex') };
  const head = JSON.stringify({
    inputs: types.map((type, index) => ({
      name: `IN__${index}`,
      datatype: type,
      shape: [2],
      parameters: { binary_data_size: 2 * sizeOf(type) },
    })),
    outputs: types.map((_, index) => ({
      name: `OUT__${index}`,
      parameters: { binary_data: true },
    })),
  });
  const answer = await fetch(`${server.url}/v2/models/types/infer`, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(head.length) },
    body: Buffer.concat([Buffer.from(head), bytes]),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get('inference-header-content-length'));
  const { outputs } = JSON.parse(body.subarray(0, length).toString()) as {
    outputs: { name: string; datatype: string; parameters: { binary_data_size: number } }[];
  };
  let at = length;
  const pieces = outputs.map(({ name, datatype, parameters }) => {
    at += parameters.binary_data_size;
    const data = body.subarray(at - parameters.binary_data_size, at).toString('hex');
    return { place: Number(name.split('__')[1]), datatype, data };
  });
  pieces.sort((one, other) => one.place - other.place);
  return {
    datatypes: pieces.map(({ datatype }) => datatype),
    data: pieces.map(({ data }) => data).join(''),
  };
}

describe.skipIf(torch.python === null)(`the PyTorch backend (${torch.reason})`, () => {
  const script = `import sys, torch
from typing import Dict, List, Tuple
class AddSub(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        return a + b, a - b
class Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2
class Keyed(torch.nn.Module):
    def forward(self, given: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        return {"sum": given["a"] + given["b"]}
class Nested(torch.nn.Module):
    def forward(self, options, *, k):
        return {"sum": options["x"] + k, "difference": options["x"] - k}
class Types(torch.nn.Module):
    def forward(self, ${types.map((type) => `x${type}: torch.Tensor`).join(', ')}):
        return ${types.map((type) => (type === 'BF16' ? 'xBF16 + xBF16' : `x${type}`)).join(', ')}
class Upper(torch.nn.Module):
    def forward(self, words: List[str]) -> List[str]:
        return [word.upper() for word in words]
root = sys.argv[1]
for name, model in (("indexed", AddSub()), ("named", Double()), ("words", Upper()), ("wrong", Double()), ("ordered", AddSub()), ("keyed", Keyed()), ("types", Types())):
    torch.jit.script(model).save(f"{root}/{name}/1/model.pt")
x, batch = torch.zeros(2, 3), torch.export.Dim.DYNAMIC
shapes = {"options": {"x": {0: batch, 1: batch}}, "k": {0: batch, 1: batch}}
program = torch.export.export(Nested(), ({"x": x},), kwargs={"k": x.clone()}, dynamic_shapes=shapes)
for name in ("exported", "named_export"):
    torch.export.save(program, f"{root}/{name}/1/model.pt2")
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
        'wrong/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'x')}${tensor('input', 'nothing')}${tensor('output', 'y')}`,
        'wrong/1/': '',
        'ordered/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'LEFT')}${tensor('input', 'RIGHT')}${tensor('output', 'SUM')}${tensor('output', 'DIFFERENCE')}`,
        'ordered/1/': '',
        'keyed/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'a')}${tensor('input', 'b')}${tensor('output', 'sum')}`,
        'keyed/1/': '',
        'exported/config.pbtxt': `platform: "torch_aoti" max_batch_size: 4 ${tensor('input', 'KWARGS[k]')}${tensor('input', 'ARGS[0][x]')}${tensor('output', 'RESULT[difference]')}${tensor('output', 'OUTPUT__0')}`,
        'exported/1/': '',
        'named_export/config.pbtxt': `backend: "pytorch" default_model_filename: "model.pt2" max_batch_size: 4 ${tensor('input', 'nothing')}${tensor('input', 'k')}${tensor('output', 'y')}`,
        'named_export/1/': '',
        'types/config.pbtxt': `backend: "pytorch" ${types.map((type, index) => tensor('input', `IN__${index}`, type) + tensor('output', `OUT__${index}`, type)).join('')}`,
        'types/1/': '',
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
  });

  it('takes inputs in the order of the configuration where their names say nothing', async () => {
    expect(await load(server, 'ordered')).toBe('');
    expect(await infer(server, 'ordered', { RIGHT: [1, 2], LEFT: [5, 6] })).toEqual({
      SUM: [6, 8],
      DIFFERENCE: [4, 4],
    });
    await server.logged(/W.*the inputs of model 'ordered' \(LEFT, RIGHT\) are neither called/u);
  });

  it('gives a model the dictionary that it takes', async () => {
    expect(await load(server, 'keyed')).toBe('');
    expect(await infer(server, 'keyed', { b: [1, 2], a: [5, 6] })).toEqual({ sum: [6, 8] });
  });

  it('runs programs of torch.export', async () => {
    expect(await load(server, 'exported')).toBe('');
    const inputs = { 'KWARGS[k]': [1, 2, 3, 4], 'ARGS[0][x]': [5, 6, 7, 8] };
    expect(await infer(server, 'exported', inputs)).toEqual({
      'RESULT[difference]': [4, 4, 4, 4],
      OUTPUT__0: [6, 8, 10, 12],
    });
  });

  it('passes every data type on', async () => {
    expect(await load(server, 'types')).toBe('');
    const { datatypes, data } = await passedOn(server);
    expect(datatypes).toEqual(types);
    // Those of BF16 are 1 and 2, and come back doubled.
    expect(data).toBe((await passedOn(null)).data.replace(/803f0040$/u, '00408040'));
  });

  it.each([
    [
      'wrong',
      "input 'nothing' of model 'wrong' is no argument of forward (x), and there is none at place 1",
    ],
    ['named_export', "model 'named_export' has no input 'nothing': it has ARGS[0][x], KWARGS[k]"],
  ])('says which arguments a model has (%s)', async (model, text) => {
    expect(await load(server, model)).toContain(text);
  });
});

const tensorflowReason =
  tensorflow === undefined
    ? ' (skipped: no TensorFlow in python3, nor in that of NEREID_TENSORFLOW_PYTHON)'
    : '';

describe.skipIf(tensorflow === undefined)(`the TensorFlow backend${tensorflowReason}`, () => {
  const script = `import sys, tensorflow as tf
root = sys.argv[1]
types = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "half", "float32", "float64", "bfloat16"]
model = tf.Module()
model.scale = tf.Variable(1.0)
spec = lambda name: tf.TensorSpec([None, 2], tf.float32, name=name)
model.add_sub = tf.function(lambda a, b: {"sum": a * model.scale + b, "difference": a - b}).get_concrete_function(spec("a"), spec("b"))
model.upper = tf.function(lambda t: {"u": tf.strings.upper(t, encoding="utf-8")}).get_concrete_function(tf.TensorSpec([None, 2], tf.string, name="t"))
names = ", ".join(f"IN__{i}" for i in range(len(types)))
body = ", ".join(f"'OUT__{i}': tf.identity(IN__{i})" for i in range(len(types)))
same = eval(f"lambda {names}: {{{body}}}", {"tf": tf})
model.same = tf.function(same).get_concrete_function(*[tf.TensorSpec([2], getattr(tf, t), name=f"IN__{i}") for i, t in enumerate(types)])
signatures = {"serving_default": model.add_sub, "upper": model.upper}
for name in ("plain", "words", "unsigned"):
    tf.saved_model.save(model, f"{root}/{name}/1/model.savedmodel", signatures=signatures)
tf.saved_model.save(model, f"{root}/types/1/model.savedmodel", signatures={"serving_default": model.same})
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
graph = convert_variables_to_constants_v2(model.add_sub).graph.as_graph_def()
for name in ("frozen", "frozen_wrong"):
    open(f"{root}/{name}/1/model.graphdef", "wb").write(graph.SerializeToString())
`;
  const signature = (name: string): string =>
    `parameters { key: "TF_SIGNATURE_DEF" value { string_value: "${name}" } }`;
  const io = (kind: string, name: string): string =>
    `${kind} [ { name: "${name}" data_type: TYPE_FP32 dims: [ 2 ] } ]\n`;
  let server: ServerProcess;

  it('loads what has no configuration, and completes it', async () => {
    server = await serve(
      {
        'plain/1/': '',
        'words/config.pbtxt': `platform: "tensorflow_savedmodel" ${signature('upper')}`,
        'words/1/': '',
        'unsigned/config.pbtxt': `backend: "tensorflow" ${signature('nothing')}`,
        'unsigned/1/': '',
        'types/config.pbtxt': 'backend: "tensorflow"',
        'types/1/': '',
        'frozen/config.pbtxt': `platform: "tensorflow_graphdef" max_batch_size: 4 ${io('input', 'a')}${io('input', 'b')}${io('output', 'Identity_1')}`,
        'frozen/1/': '',
        'frozen_wrong/config.pbtxt': `platform: "tensorflow_graphdef" max_batch_size: 4 ${io('input', 'a')}${io('input', 'c')}${io('output', 'Identity')}`,
        'frozen_wrong/1/': '',
      },
      [`--backend-config=tensorflow,python-runtime=${tensorflow}`],
      (repository) => runPython(tensorflow as string, script, repository),
    );
    expect(await load(server, 'plain')).toBe('');
    expect(await infer(server, 'plain', { a: [5, 6], b: [1, 2] })).toEqual({
      sum: [6, 8],
      difference: [4, 4],
    });
    expect(await load(server, 'words')).toBe('');
    expect(await infer(server, 'words', { t: ['a', 'é'] })).toEqual({ u: ['A', 'É'] });
  });

  it('runs frozen graphs', async () => {
    expect(await load(server, 'frozen')).toBe('');
    expect(await infer(server, 'frozen', { a: [5, 6], b: [1, 2] })).toEqual({
      Identity_1: [6, 8],
    });
  });

  it('passes every data type on', async () => {
    expect(await load(server, 'types')).toBe('');
    expect(await passedOn(server)).toEqual(await passedOn(null));
  });

  it.each([
    ['unsigned', "has no signature 'nothing', it has: serving_default, upper"],
    ['frozen_wrong', "the graph has no 'c', it has: a, b"],
  ])('says what is wrong with a model (%s)', async (model, text) => {
    expect(await load(server, model)).toContain(text);
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
