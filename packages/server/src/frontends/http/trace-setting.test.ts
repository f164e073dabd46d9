import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { emptyModelConfig, modelConfigFromJson, TritonError } from '@nereid/protocol';
import { type FakeExecute, FakeServedModel, ManualClock, testTracing } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpHandler } from './http-handler.ts';
import { exchange, type Sent } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const start =
  '{"trace_level":["TIMESTAMPS"],"trace_rate":"1","trace_count":"-1","log_frequency":"0","trace_file":"/t","trace_mode":"triton"}';

const io = {
  input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
  output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [-1] }],
};

function served(execute: FakeExecute): FakeServedModel {
  const parsed = { ...emptyModelConfig(), ...modelConfigFromJson(JSON.stringify(io)) };
  return new FakeServedModel({ name: 'm', config: { ...parsed, name: 'm' }, execute });
}

const echo: FakeExecute = ({ inputs }) => inputs.map((input) => ({ ...input, name: 'Y' }));

function context(file: string, model = served(echo)) {
  const tracing = testTracing(
    {
      values: { level: { timestamps: true, tensors: false }, rate: 1, count: -1, logFrequency: 0 },
      target: { mode: 'triton', file, modeSettings: [] },
      clock: new ManualClock(),
    },
    [model],
  );
  return httpContext([model], tracing);
}

describe('trace settings', () => {
  async function change(path: string, body: string): Promise<[number, string, string]> {
    const handler = createHttpHandler(context('/t'));
    const reply = await exchange(handler, { method: 'POST', path, body });
    const now = await exchange(handler, { method: 'GET', path: '/v2/trace/setting' });
    return [reply.status, reply.text(), now.text()];
  }

  it.each([
    '',
    '{}',
    '[]',
    '5',
    '{"unknown":1}',
    '{"trace_level":["NONE"]}',
    '{"trace_rate":null}',
  ])('stay as they are with %s', async (body) => {
    expect(await change('/v2/trace/setting', body)).toEqual([200, start, start]);
  });

  it.each([
    ['{', 500, 'failed to parse the request JSON buffer: Missing a name for object member. at 1'],
    ['{"trace_level":"OFF"}', 500, 'attempt to access JSON non-array as array'],
    ['{"trace_level":[1]}', 500, 'attempt to access JSON non-string as string'],
    ['{"trace_rate":5}', 500, 'attempt to access JSON non-string as string'],
    ['{"trace_count":{}}', 500, 'attempt to access JSON non-string as string'],
    ['{"log_frequency":true}', 500, 'attempt to access JSON non-string as string'],
    ['{"trace_file":null}', 501, 'trace file location can not be updated through network protocol'],
    ['{"trace_count":"-2"}', 400, "Unable to parse 'trace_count'. Expecting value >= -1, got:-2"],
    [
      '{"trace_rate":"2147483648"}',
      400,
      "Unable to parse 'trace_rate', value is out of range [ 0, 4294967295 ], got: 2147483648",
    ],
    [
      '{"trace_rate":"1","trace_rate2":',
      500,
      'failed to parse the request JSON buffer: Invalid value. at 32',
    ],
    ['{"trace_rate":" "}', 400, "Unable to parse 'trace_rate', got:  "],
  ])('refuse %s', async (body, status, error) => {
    for (const path of ['/v2/trace/setting', '/v2/models/m/trace/setting']) {
      expect(await change(path, body)).toEqual([status, JSON.stringify({ error }), start]);
    }
  });

  it('refuse a body that is too long', async () => {
    const [status, text] = await change('/v2/trace/setting', ' '.repeat(100_001));
    expect([status, text]).toEqual([400, expect.stringContaining('exceeds the maximum')]);
  });

  it('are those of models that serve', async () => {
    const unknown = await change('/v2/models/none/trace/setting', '{');
    expect(unknown.slice(0, 2)).toEqual([400, '{"error":"Request for unknown model : none"}']);
  });
});

describe('traced calls', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'traced-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The names of the times that one request left, by the ids of traces. */
  async function timesOf(name: string, sent: Sent, execute: FakeExecute): Promise<string[]> {
    const file = join(folder, name);
    const contextOf = context(file, served(execute));
    await exchange(createHttpHandler(contextOf), sent);
    await contextOf.tracing.close();
    const items = JSON.parse(readFileSync(file, 'utf8')) as { timestamps?: { name: string }[] }[];
    return items.flatMap(({ timestamps }) => timestamps ?? []).map((time) => time.name);
  }

  const path = '/v2/models/m/infer';
  const body = '{"inputs":[{"name":"X","shape":[1],"datatype":"INT32","data":[1]}]}';
  const [received, sent] = [
    ['HTTP_RECV_START', 'HTTP_RECV_END'],
    ['HTTP_SEND_START', 'HTTP_SEND_END'],
  ];
  const inCore = ['REQUEST_START', 'QUEUE_START', 'REQUEST_END', 'INFER_RESPONSE_COMPLETE'];

  it.each<[string, Sent, FakeExecute, readonly string[]]>([
    ['answered', { method: 'POST', path, body }, echo, [...received, ...inCore, ...sent]],
    [
      'failed',
      { method: 'POST', path, body },
      () => new TritonError('INTERNAL', 'no'),
      [...received, ...inCore, ...sent],
    ],
    ['unreadable', { method: 'POST', path, body: '{' }, echo, [...received, ...sent]],
    ['unfit', { method: 'POST', path, body: '{"inputs":[]}' }, echo, [...received, ...sent]],
    [
      'of another coding',
      { method: 'POST', path, body, headers: { 'content-encoding': 'br' } },
      echo,
      [...received, ...sent],
    ],
    [
      'too long once it is inflated',
      {
        method: 'POST',
        path,
        body: gzipSync(Buffer.alloc(300_000)),
        headers: { 'content-encoding': 'gzip' },
      },
      echo,
      received,
    ],
    [
      'of a wrong length',
      { method: 'POST', path, body, headers: { 'inference-header-content-length': '9999' } },
      echo,
      received,
    ],
    [
      'generated',
      { method: 'POST', path: '/v2/models/m/generate', body: '{"X":[1]}' },
      echo,
      [...received, ...inCore, ...sent],
    ],
    [
      'streamed',
      { method: 'POST', path: '/v2/models/m/generate_stream', body: '{"X":[1]}' },
      echo,
      [...received, ...inCore, ...sent],
    ],
    [
      'not to be generated',
      { method: 'POST', path: '/v2/models/m/generate', body: '{' },
      echo,
      received,
    ],
  ])('%s are written down', async (name, request, execute, expected) => {
    expect((await timesOf(name, request, execute)).sort()).toEqual([...expected].sort());
  });

  it('of models that do not serve are none', async () => {
    const contextOf = context(join(folder, 'none'));
    await exchange(createHttpHandler(contextOf), {
      method: 'POST',
      path: '/v2/models/x/infer',
      body,
    });
    expect(contextOf.tracing.sample('m', () => null)?.trace.id).toBe(1);
  });
});
