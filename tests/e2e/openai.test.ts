import { connect } from 'node:net';
import { ServerProcess } from '@nereid/test-kit';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAiRepository } from './openai-models.ts';
import { pythonRuntimeFlag } from './python-models.ts';
import { runPytest } from './run-python.ts';

const repository = openAiRepository();
let server: ServerProcess;
let client: OpenAI;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});

afterAll(async () => {
  await server?.stop();
  repository.remove();
});

const asked = {
  model: 'scribe',
  messages: [{ role: 'user', content: 'The with statement' }],
  max_tokens: 40,
  seed: 3,
} as const satisfies OpenAI.ChatCompletionCreateParams;

describe('OpenAI’s client for Node', () => {
  it('chats, whole and streamed', async () => {
    const whole = await client.chat.completions.create({ ...asked, messages: [...asked.messages] });
    const stream = await client.chat.completions.create({
      ...asked,
      messages: [...asked.messages],
      stream: true,
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toHaveLength(40);
    expect(whole.choices[0]?.message.content).toBe(text);
  });

  it('completes, embeds, lists', async () => {
    const completion = await client.completions.create({ model: 'words', prompt: 'a b c' });
    expect(completion.choices[0]?.text).toBe('a b c');
    const { data } = await client.embeddings.create({ model: 'embedder', input: ['ab', 'c'] });
    expect(data.map(({ embedding }) => embedding)).toEqual([
      [0.5, 0.5, 0],
      [0, 0, 0.5],
    ]);
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toContain('scribe');
  });

  it('says which endpoints there are', async () => {
    const asked = client.responses.create({ model: 'scribe', input: 'a' });
    await expect(asked).rejects.toThrow(
      '404 Invalid URL (POST /v1/responses): this server has /v1/chat/completions, ',
    );
    await expect(client.moderations.create({ input: 'a' })).rejects.toMatchObject({
      status: 404,
      code: 'unknown_url',
      type: 'invalid_request_error',
    });
    const wrong = client.get('/chat/completions');
    await expect(wrong).rejects.toThrow(
      '405 Not allowed to GET on /v1/chat/completions: it takes POST',
    );
  });

  it('tells the model that it has gone', async () => {
    const stream = await client.chat.completions.create({
      model: 'endless',
      messages: [{ role: 'user', content: 'go' }],
      stream: true,
    });
    for await (const _ of stream) break;
    stream.controller.abort();
    await server.logged(/stopped early/u);
    expect(server.log).not.toContain('stopped late');
  });
});

it('test_openai_client.py', async () => {
  const summary = await runPytest('test_openai_client.py', { NEREID_URL: server.url });
  expect(summary).toMatch(/^\d+ passed/u);
});

it('loads and unloads by the same API', async () => {
  const models = openAiRepository();
  const explicit = await ServerProcess.start({
    flags: [
      `--model-repository=${models.path}`,
      '--model-control-mode=explicit',
      pythonRuntimeFlag(),
    ],
  });
  const post = (path: string): Promise<Response> =>
    fetch(`${explicit.url}/v1/models/${path}`, { method: 'POST' });
  expect(await (await post('looks/load')).json()).toMatchObject({ id: 'looks', object: 'model' });
  expect((await fetch(`${explicit.url}/v1/models/looks`)).status).toBe(200);
  expect(await (await post('looks/unload')).json()).toEqual({ status: 'success', model: 'looks' });
  expect((await fetch(`${explicit.url}/v1/models/looks`)).status).toBe(404);
  await explicit.stop();
  models.remove();
  // Elsewhere models are not loaded by requests.
  const refused = await fetch(`${server.url}/v1/models/looks/load`, { method: 'POST' });
  expect(refused.status).toBe(503);
});

it('loads the model that is asked, where models are loaded on demand', async () => {
  const models = openAiRepository();
  const lazy = await ServerProcess.start({
    flags: [`--model-repository=${models.path}`, '--model-control-mode=lazy', pythonRuntimeFlag()],
  });
  const { data } = (await (await fetch(`${lazy.url}/v1/models`)).json()) as {
    data: readonly { id: string; created: number }[];
  };
  expect(data.find(({ id }) => id === 'words')?.created).toBe(0);
  const completion = (): Promise<Response> =>
    fetch(`${lazy.url}/v1/completions`, {
      method: 'POST',
      body: '{"model":"words","prompt":"a b","max_tokens":1}',
    });
  expect(await (await completion()).json()).toMatchObject({ choices: [{ text: 'a' }] });
  const missing = await fetch(`${lazy.url}/v1/embeddings`, {
    method: 'POST',
    body: '{"model":"nothing","input":"a"}',
  });
  expect(await missing.json()).toMatchObject({ error: { code: 'model_not_found' } });
  await lazy.stop();
  models.remove();
});

it('survives hostile requests', async () => {
  const post = async (path: string, body: string | Uint8Array<ArrayBuffer>): Promise<number> => {
    const reply = await fetch(`${server.url}/v1/${path}`, {
      method: 'POST',
      body,
    });
    const { error } = (await reply.json()) as { error: { type: string } };
    expect(error.type).toBe('invalid_request_error');
    return reply.status;
  };
  const chat = (messages: unknown): string => JSON.stringify({ model: 'scribe', messages });
  const user = { role: 'user', content: 'a' };
  expect(await post('chat/completions', '['.repeat(1_000_000))).toBe(400);
  expect(await post('chat/completions', `{"a":`.repeat(100_000))).toBe(400);
  expect(await post('chat/completions', Buffer.from([0x7b, 0x22, 0xff, 0x22]))).toBe(400);
  expect(await post('chat/completions', chat(Array(1_000_000).fill(user)))).toBe(400);
  expect(await post('chat/completions', `{"model":"scribe","n":1e400,"messages":[]}`)).toBe(400);
  expect(await post('chat/completions', `"${'a'.repeat(70_000_000)}"`)).toBe(413);
  expect(
    await post(
      'embeddings',
      `{"model":"embedder","input":${JSON.stringify(Array(3000).fill('a'))}}`,
    ),
  ).toBe(400);
  const toolCalls = [{ function: { name: 'a', arguments: '['.repeat(1_000_000) } }];
  const deep = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    body: chat([{ role: 'assistant', content: null, tool_calls: toolCalls }, user]),
  });
  expect(deep.status).toBe(200);
  const long = await client.chat.completions.create({
    model: 'words',
    messages: [{ role: 'user', content: 'a '.repeat(500_000) }],
  });
  expect(long.usage?.prompt_tokens).toBe(500_000);
});

it('lets the model go when a connection breaks', async () => {
  const before = server.log.match(/stopped early/gu)?.length ?? 0;
  const body = '{"model":"endless","prompt":"a","stream":true}';
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  const begun = new Promise((resolve) => socket.once('data', resolve));
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await begun;
  socket.destroy();
  await expect.poll(() => server.log.match(/stopped early/gu)?.length ?? 0).toBe(before + 1);
});
