import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addSubModel, type ServerProcess } from '@nereid/test-kit';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureOpenvinoEnv } from '../../tools/openvino-env.mjs';
import { infer, load, runScript, serve, stopServers } from './backend-server.ts';

const openvino = ensureOpenvinoEnv();
const openvinoReason = openvino.available ? '' : ` (skipped: ${openvino.reason})`;

afterAll(stopServers);

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
          runScript(python, convert, join(repository, 'source', file), target);
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
