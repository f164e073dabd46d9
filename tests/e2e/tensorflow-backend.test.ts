import type { ServerProcess } from '@nereid/test-kit';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureTensorflowEnv } from '../../tools/tensorflow-env.mjs';
import { passedOn } from './all-types-model.ts';
import { infer, load, runScript, serve, stopServers } from './backend-server.ts';

const tensorflow = ensureTensorflowEnv();
const tensorflowReason = tensorflow.available ? '' : ` (skipped: ${tensorflow.reason})`;

/** Each model imports TensorFlow in a process of its own, which takes 5 s of processor time. */
const loadMsMax = 300_000;

afterAll(stopServers);

describe.skipIf(!tensorflow.available)(`the TensorFlow backend${tensorflowReason}`, () => {
  const python = tensorflow.available ? tensorflow.python : '';
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
model.flat = tf.function(lambda t: {"u": tf.strings.upper(t)}).get_concrete_function(tf.TensorSpec([None], tf.string, name="t"))
model.scaled = tf.function(lambda x, factor: {"y": x * factor}).get_concrete_function(tf.TensorSpec([1], tf.float32, name="x"), tf.TensorSpec([], tf.float32, name="factor"))
signatures = {"serving_default": model.add_sub, "upper": model.upper, "flat": model.flat, "scaled": model.scaled}
for name in ("plain", "words", "unsigned", "flat", "scaled"):
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
        'flat/config.pbtxt': `backend: "tensorflow" ${signature('flat')}`,
        'flat/1/': '',
        'scaled/config.pbtxt': `backend: "tensorflow" ${signature('scaled')}`,
        'scaled/1/': '',
        'unsigned/config.pbtxt': `backend: "tensorflow" ${signature('nothing')}`,
        'unsigned/1/': '',
        'types/config.pbtxt': 'backend: "tensorflow"',
        'types/1/': '',
        'frozen/config.pbtxt': `platform: "tensorflow_graphdef" max_batch_size: 4 ${io('input', 'a')}${io('input', 'b')}${io('output', 'Identity_1')}`,
        'frozen/1/': '',
        'frozen_wrong/config.pbtxt': `platform: "tensorflow_graphdef" max_batch_size: 4 ${io('input', 'a')}${io('input', 'c')}${io('output', 'Identity')}`,
        'frozen_wrong/1/': '',
      },
      [`--backend-config=tensorflow,python-runtime=${python}`],
      (repository) => runScript(python, script, repository),
    );
    expect(await load(server, 'plain')).toBe('');
    expect(await infer(server, 'plain', { a: [5, 6], b: [1, 2] })).toEqual({
      sum: [6, 8],
      difference: [4, 4],
    });
    expect(await load(server, 'words')).toBe('');
    expect(await infer(server, 'words', { t: ['a', 'é'] })).toEqual({ u: ['A', 'É'] });
  });

  it(
    'completes what has no dimension but that of the batch, or none at all',
    async () => {
      expect(await load(server, 'flat')).toBe('');
      expect(await infer(server, 'flat', { t: ['a'] })).toEqual({ u: ['A'] });
      expect(await load(server, 'scaled')).toBe('');
      const tensor = (name: string, value: number) => ({
        name,
        shape: [1],
        datatype: 'FP32',
        data: [value],
      });
      const answer = await fetch(`${server.url}/v2/models/scaled/infer`, {
        method: 'POST',
        body: JSON.stringify({ inputs: [tensor('x', 3), tensor('factor', 2)] }),
      });
      expect(await answer.json()).toMatchObject({ outputs: [{ name: 'y', data: [6] }] });
    },
    loadMsMax,
  );

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
