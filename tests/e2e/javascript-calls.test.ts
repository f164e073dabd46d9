import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countingModel, javascriptConfig, javascriptModel } from './javascript-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';
import { inferJson } from './vector-inference.ts';

const decoupled = 'model_transaction_policy { decoupled: true }';

const models: Record<string, readonly [config: string, code: string]> = {
  double: [javascriptConfig(), javascriptModel('y = x.map((v) => v * 2);')],
  counting: [javascriptConfig(decoupled), countingModel],
  bls: [
    javascriptConfig(),
    javascriptModel(`const inputs = [{ name: 'X', data: x }];
    const [one, two] = await Promise.all([
      context.infer('double', { inputs }),
      context.infer('double', { inputs, version: 1, outputs: ['Y'], parent: request }),
    ]);
    y = one.output('Y', 'INT32').data.map((value, index) => value + two.outputs[0].data[index]);`),
  ],
  bls_stream: [
    javascriptConfig(),
    javascriptModel(`y = [];
    for await (const answer of context.stream('counting', { inputs: [{ name: 'X', data: x }] })) {
      y.push(...answer.output('Y').data);
      if (y.length === 100) break;
    }`),
  ],
  bls_errors: [
    javascriptConfig(),
    javascriptModel(`const inputs = [{ name: 'X', data: x }];
    const told = async (promise) => promise.catch((error) => error.code + ' ' + error.message);
    const texts = await Promise.all([
      told(context.infer('nowhere', { inputs })),
      told(context.infer('counting', { inputs })),
      told(context.infer('double', { inputs: [{ name: 'Z', data: x }] })),
    ]);
    throw new Error(texts.join('; '));`),
  ],
  control: [
    javascriptConfig(),
    javascriptModel(`const { models } = context;
    const before = await models.isReady('spare');
    await models.load('spare');
    const during = await models.isReady('spare', 1);
    await models.unload('spare');
    const missing = await models.load('nowhere').catch((error) => error.message);
    context.logger.error('load: ' + missing);
    y = [before, during];`),
  ],
  spare: [javascriptConfig(), javascriptModel('')],
  self_call: [
    javascriptConfig(),
    javascriptModel("await context.infer('self_call', { inputs: [{ name: 'X', data: x }] });"),
  ],
};

const repository = temporaryRepository(
  modelFiles(models, ([config, code]) => ({ 'config.pbtxt': config, '1/model.mjs': code })),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      ...Object.keys(models)
        .filter((name) => name !== 'spare')
        .map((name) => `--load-model=${name}`),
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

const infer = (model: string, data: readonly number[]) => inferJson(server.url, model, data);

describe('calls between models', () => {
  it.each([
    ['bls', [1, 2], [4, 8]],
    ['bls_stream', [3], [0, 1, 2]],
    ['control', [0], [0, 1]],
  ])('answers (%s)', async (model, x, y) => {
    expect(await infer(model, x)).toMatchObject({ status: 200, error: '', data: y });
  });

  it('may leave a stream early', async () => {
    expect((await infer('bls_stream', [1_000_000])).data).toHaveLength(100);
    expect((await infer('bls_stream', [5])).data).toHaveLength(5);
  });

  it('tells what is wrong, with its code', async () => {
    const { error } = await infer('bls_errors', [1]);
    expect(error).toContain(
      "INTERNAL Model nowhere - Error when running inference: Failed for execute the inference request. Model 'nowhere' is not ready.",
    );
    expect(error).toContain('Model counting is decoupled and may answer more than once');
    expect(error).toContain(
      "INVALID_ARG Model double - Error when running inference: unexpected inference input 'Z' for model 'double'",
    );
    await server.logged(/\[control_0\] load: /u);
  });

  it('refuses a call that would wait for itself', async () => {
    const { error } = await infer('self_call', [1]);
    expect(error).toContain("model 'self_call' would wait for itself");
  });
});
