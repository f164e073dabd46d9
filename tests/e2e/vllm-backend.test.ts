import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag, standInEnvironment } from './python-models.ts';
import { temporaryRepository } from './temporary-repository.ts';
import { control } from './vector-inference.ts';

const config = (extra = ''): string =>
  `backend: "vllm" instance_group [ { count: 1 kind: KIND_MODEL } ] ${extra}`;
const health = 'parameters { key: "ENABLE_VLLM_HEALTH_CHECK" value { string_value: "true" } }';
const repository = temporaryRepository({
  'llm/config.pbtxt': config(health),
  'llm/1/model.json': '{"model": "tiny", "enforce_eager": true, "enable_lora": "true"}',
  'llm/1/multi_lora.json': '{"alpaca": "/weights/alpaca", "dolly": "/weights/dolly"}',
  'vectors/config.pbtxt': config(),
  'vectors/1/model.json': '{"model": "tiny", "runner": "pooling"}',
  'missing/config.pbtxt': config(),
  'missing/1/model.json': '{"model": "missing"}',
  'unknown/config.pbtxt': config(),
  'unknown/1/model.json': '{"model": "tiny", "no_such_argument": 1}',
  'no_lora/config.pbtxt': config(),
  'no_lora/1/model.json': '{"model": "tiny", "enable_lora": true}',
});
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=llm',
      '--load-model=vectors',
      pythonRuntimeFlag(),
    ],
    env: standInEnvironment,
  });
});

afterAll(async () => {
  const { status, output } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
  expect(output).toMatch(/\[vectors_0_0\] the engine is shut down/u);
});

type Body = Readonly<Record<string, unknown>>;

async function generate(body: Body, at = server): Promise<Body> {
  const answer = await fetch(`${at.url}/v2/models/llm/generate`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const {
    model_name: _name,
    model_version: _version,
    ...rest
  } = (await answer.json()) as Record<string, unknown>;
  return rest;
}

async function stream(body: Body): Promise<readonly Record<string, unknown>[]> {
  const answer = await fetch(`${server.url}/v2/models/llm/generate_stream`, {
    method: 'POST',
    body: JSON.stringify({ stream: true, ...body }),
  });
  return [...(await answer.text()).matchAll(/^data: (.*)$/gmu)].map(([, json]) =>
    JSON.parse(json as string),
  );
}

describe('the vLLM backend', () => {
  it('answers at once, with the prompt before it unless told otherwise', async () => {
    expect(await generate({ text_input: 'a b c' })).toEqual({ text_output: 'a b c a b c' });
    expect(await generate({ text_input: 'a b c', exclude_input_in_output: true })).toEqual({
      text_output: ' a b c',
    });
  });

  it('answers word by word', async () => {
    const parts = await stream({ text_input: 'one two three' });
    expect(parts.map(({ text_output }) => text_output)).toEqual([' one', ' two', ' three']);
  });

  it('takes parameters, also as text and from the input for it', async () => {
    const exclude = { exclude_input_in_output: true };
    expect(
      await generate({ text_input: 'a b c', max_tokens: '2', temperature: '0.5', ...exclude }),
    ).toEqual({ text_output: ' a b' });
    const sampling_parameters = JSON.stringify({ max_tokens: 1, ignore_eos: 'true' });
    expect(await generate({ text_input: 'a b', sampling_parameters, ...exclude })).toEqual({
      text_output: ' a',
    });
    const structured_outputs = JSON.stringify({ choice: ['x', 'y'] });
    expect(await generate({ text_input: 'a b', structured_outputs, ...exclude })).toEqual({
      text_output: " structured:['x', 'y']",
    });
  });

  it('gives all choices of one answer', async () => {
    const body = { text_input: 'a b', n: 2, exclude_input_in_output: true };
    expect(await generate(body)).toEqual({ text_output: [' a b', ' a b!'] });
  });

  it('gives what else is asked for', async () => {
    const wanted = ['finish_reason', 'cumulative_logprob', 'num_input_tokens', 'num_output_tokens'];
    const flags = Object.fromEntries(
      [...wanted, 'logprobs'].map((name) => [`return_${name}`, true]),
    );
    const answer = await generate({ text_input: 'a b', logprobs: 1, ...flags });
    expect(answer).toMatchObject({
      finish_reason: 'length',
      cumulative_logprob: -1,
      num_input_tokens: 2,
      num_output_tokens: 2,
    });
    expect(JSON.parse(answer['logprobs'] as string)).toEqual([
      { 1: { logprob: -0.5, rank: 1, decoded_token: 'a' } },
      { 1: { logprob: -0.5, rank: 1, decoded_token: 'b' } },
    ]);
    const parts = await stream({ text_input: 'a b', logprobs: 1, ...flags });
    expect(parts.map((part) => [part['num_output_tokens'], part['finish_reason']])).toEqual([
      [1, 'None'],
      [1, 'length'],
    ]);
    expect(parts.map((part) => JSON.parse(part['logprobs'] as string).length)).toEqual([1, 1]);
  });

  it('uses LoRA weights by name', async () => {
    const body = { text_input: 'x', exclude_input_in_output: true };
    expect(await generate({ ...body, lora_name: 'dolly' })).toEqual({
      text_output: ' dolly 2 /weights/dolly',
    });
    expect(await generate({ ...body, lora_name: 'other' })).toMatchObject({
      error: expect.stringContaining(
        "LoRA other is not supported, we currently support ['alpaca', 'dolly']",
      ),
    });
  });

  it.each([
    [
      { exclude_input_in_output: false, stream: true },
      'When streaming, `exclude_input_in_output` = False is not allowed.',
    ],
    [{ n: 0 }, 'Error generating stream: n must be at least 1, got 0.'],
    [{ no_such_parameter: 1 }, "unexpected keyword argument 'no_such_parameter'"],
    [{ max_tokens: 'many' }, 'invalid literal for int()'],
  ])('says what it cannot do (%j)', async (more, text) => {
    expect(await generate({ text_input: 'x', ...more })).toMatchObject({
      error: expect.stringContaining(text),
    });
  });

  it('lets go of a request when its client does', async () => {
    const controller = new AbortController();
    const asked = fetch(`${server.url}/v2/models/llm/generate`, {
      method: 'POST',
      body: JSON.stringify({ text_input: 'wait', id: 'impatient' }),
      signal: controller.signal,
    });
    await server.logged(/\[llm_0_0\] waiting: impatient/u);
    controller.abort();
    await expect(asked).rejects.toThrow('abort');
    await server.logged(/\[llm_0_0\] aborted impatient/u);
  });

  it('runs requests of the same id side by side', async () => {
    const controller = new AbortController();
    const asked = fetch(`${server.url}/v2/models/llm/generate`, {
      method: 'POST',
      body: JSON.stringify({ text_input: 'wait', id: '1' }),
      signal: controller.signal,
    });
    await server.logged(/\[llm_0_0\] waiting: 1/u);
    expect(await generate({ text_input: 'b', id: '1' })).toMatchObject({ text_output: 'b b' });
    controller.abort();
    await expect(asked).rejects.toThrow('abort');
  });

  it('makes vectors for the OpenAI endpoint', async () => {
    const answer = await fetch(`${server.url}/v1/embeddings`, {
      method: 'POST',
      body: JSON.stringify({ model: 'vectors', input: ['a b c', 'd'], dimensions: 2 }),
    });
    expect(await answer.json()).toMatchObject({
      data: [
        { index: 0, embedding: [3, 0.5] },
        { index: 1, embedding: [1, 0.5] },
      ],
      usage: { prompt_tokens: 4 },
    });
  });

  it('refuses what the model is not for', async () => {
    const answer = await fetch(`${server.url}/v2/models/vectors/generate`, {
      method: 'POST',
      body: JSON.stringify({ text_input: 'x' }),
    });
    expect(await answer.json()).toEqual({
      error: "Error generating stream: Model vectors does not support 'generate' request",
    });
  });

  it.each([
    ['missing', 'missing is no model'],
    ['unknown', "unexpected keyword argument 'no_such_argument'"],
    ['no_lora', 'multi_lora.json'],
  ])('says why a model does not load (%s)', async (model, text) => {
    expect(await control(server.url, model, 'load')).toContain(text);
  });

  it('is unloaded when its engine has died', async () => {
    await generate({ text_input: 'break' });
    expect(await generate({ text_input: 'x' })).toEqual({
      error: 'Model is unavailable due to unhealthy vLLM engine',
    });
    await server.logged(/successfully unloaded 'llm'/u);
  });

  it('says that its engine has died where no model is unloaded', async () => {
    const alone = temporaryRepository({
      'llm/config.pbtxt': config(health),
      'llm/1/model.json': '{"model": "tiny"}',
    });
    const fixed = await ServerProcess.start({
      flags: [`--model-repository=${alone.path}`, pythonRuntimeFlag()],
      env: standInEnvironment,
    });
    await generate({ text_input: 'break' }, fixed);
    expect(await generate({ text_input: 'x' }, fixed)).toEqual({
      error: 'Model is unavailable due to unhealthy vLLM engine',
    });
    await fixed.stop();
    alone.remove();
  });
});
