import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag, standInEnvironment } from './python-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';
import { control } from './vector-inference.ts';

/** KIND_MODEL: the stand-in has no GPU that the server would see. */
const config = (rest: string, group = ''): string =>
  `backend: "tensorrt" ${rest} instance_group [ { kind: KIND_MODEL ${group} } ]`;
const io = (kind: string, name: string, type: string, dims: string): string =>
  `${kind} [ { name: "${name}" data_type: TYPE_${type} dims: ${dims} } ]`;
const both = `max_batch_size: 8 ${io('input', 'x', 'FP32', '[ 2 ]')} ${io('output', 'y', 'FP32', '[ 2 ]')}`;

const engine = (type: string, more: object = {}, shape = [-1, 2]): string =>
  JSON.stringify({
    tensors: { x: { mode: 'INPUT', type, shape, ...more }, y: { mode: 'OUTPUT', type, shape } },
    profiles: [
      { x: [[1, 2], [2, 2], [4, 2]] }, // biome-ignore format: bounds of one profile
      { x: [[5, 2], [6, 2], [8, 2]] }, // biome-ignore format: bounds of one profile
    ],
  });

/** Its tensors have no dimension but that of the batch. */
const flat = JSON.stringify({
  tensors: {
    x: { mode: 'INPUT', type: 'FLOAT', shape: [-1] },
    y: { mode: 'OUTPUT', type: 'FLOAT', shape: [-1] },
  },
  profiles: [{ x: [[1], [2], [4]] }],
});

const models: Record<string, readonly [config: string, plan: string]> = {
  auto: [config(''), engine('FLOAT')],
  flat: [config(''), flat],
  profiles: [config(both, 'profile: [ "0", "1" ]'), engine('FLOAT')],
  narrow: [config(both), engine('FLOAT')],
  bf16: [config(''), engine('BF16')],
  no_profile: [config(both, 'profile: [ "2" ]'), engine('FLOAT')],
  broken: [config(''), 'no engine'],
  fp8: [config(''), engine('FP8')],
  shape_tensor: [config(''), engine('INT32', { isShape: true })],
  wrong: [config(both.replace('"x"', '"z"')), engine('FLOAT')],
  on_cpu: [config(both).replace('KIND_MODEL', 'KIND_CPU'), engine('FLOAT')],
};
const repository = temporaryRepository(
  modelFiles(models, ([text, plan]) => ({ 'config.pbtxt': text, '1/model.plan': plan })),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      pythonRuntimeFlag(),
    ],
    env: standInEnvironment,
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

async function infer(model: string, rows: number, columns = 2): Promise<unknown> {
  const data = Array.from({ length: rows * columns }, (_, index) => index);
  const inputs = [{ name: 'x', shape: [rows, columns], datatype: 'FP32', data }];
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  const json = (await answer.json()) as { error?: string; outputs?: { data: number[] }[] };
  return json.error ?? json.outputs?.[0]?.data;
}

describe('the TensorRT backend', () => {
  it('completes what has no dimension but that of the batch', async () => {
    expect(await control(server.url, 'flat', 'load')).toBe('');
    expect(await infer('flat', 3, 1)).toEqual([0, 2, 4]);
  });

  it('completes the configuration, and runs the engine', async () => {
    expect(await control(server.url, 'auto', 'load')).toBe('');
    const answer = await fetch(`${server.url}/v2/models/auto/config`);
    expect(await answer.json()).toMatchObject({
      max_batch_size: 4,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [2] }],
      output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [2] }],
    });
    expect(await infer('auto', 2)).toEqual([0, 2, 4, 6]);
    expect(await infer('auto', 1)).toEqual([0, 2]);
    await control(server.url, 'auto', 'unload');
    await server.logged(/\[auto_0_0\] 0 buffers are left/u);
  });

  it('takes the profile that is for the shapes of a request', async () => {
    expect(await control(server.url, 'profiles', 'load')).toBe('');
    expect(await infer('profiles', 3)).toHaveLength(6);
    await server.logged(/\[profiles_0_0\] profile 0/u);
    expect(await infer('profiles', 7)).toHaveLength(14);
    await server.logged(/\[profiles_0_0\] profile 1/u);
  });

  it('says which shapes it takes', async () => {
    expect(await control(server.url, 'narrow', 'load')).toBe('');
    expect(await infer('narrow', 5)).toMatch(
      /no optimization profile takes the shapes .*\(5, 2\).* they take .*\(4, 2\)/u,
    );
  });

  it('passes BF16 on', async () => {
    expect(await control(server.url, 'bf16', 'load')).toBe('');
    const data = Buffer.from([0x80, 0x3f, 0, 0x40]);
    const head = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 2], datatype: 'BF16', parameters: { binary_data_size: 4 } }],
      parameters: { binary_data_output: true },
    });
    const answer = await fetch(`${server.url}/v2/models/bf16/infer`, {
      method: 'POST',
      headers: { 'Inference-Header-Content-Length': String(head.length) },
      body: Buffer.concat([Buffer.from(head), data]),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    expect(body.subarray(-4)).toEqual(data);
  });

  it.each([
    ['no_profile', "model 'no_profile' wants optimization profile 2, the engine has 2"],
    ['broken', "TensorRT 11.4.0 cannot read the engine of model 'broken'"],
    ['fp8', "tensor 'x' has the type FP8"],
    ['shape_tensor', "'x' is a shape tensor, which this backend does not support"],
    ['wrong', "unexpected inference input 'z', allowed inputs are: x"],
    ['on_cpu', 'TensorRT runs on GPUs: instances must be of KIND_GPU'],
  ])('says why a model does not load (%s)', async (model, text) => {
    expect(await control(server.url, model, 'load')).toContain(text);
  });
});
