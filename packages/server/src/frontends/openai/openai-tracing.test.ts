import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import { type FakeExecute, testTracing } from '@nereid/test-kit';
import { afterAll, expect, it } from 'vitest';
import type { Sent } from '../http/testing/exchange.ts';
import { answered, ask, hello, post, served, vllm } from './testing/openai-exchange.ts';

const folder = mkdtempSync(join(tmpdir(), 'nereid-traces-'));
afterAll(() => rmSync(folder, { recursive: true }));

const values = {
  level: { timestamps: true, tensors: false },
  rate: 1,
  count: -1,
  logFrequency: 0,
};
const whole = [
  'HTTP_RECV_END',
  'HTTP_RECV_START',
  'HTTP_SEND_END',
  'HTTP_SEND_START',
  'INFER_RESPONSE_COMPLETE',
  'QUEUE_START',
  'REQUEST_END',
  'REQUEST_START',
];
const refused = ['HTTP_RECV_END', 'HTTP_RECV_START'];
const fail: FakeExecute = () => new TritonError('INTERNAL', 'no');

it.each<[string, Sent, FakeExecute, readonly string[]]>([
  ['one text', post('chat/completions', hello), answered, whole],
  [
    'two texts, of which the first is traced',
    post('chat/completions', { ...hello, n: 2 }),
    answered,
    whole,
  ],
  ['a stream', post('chat/completions', { ...hello, stream: true }), answered, whole],
  ['a failure', post('chat/completions', hello), fail, whole],
  [
    'a request that is refused',
    post('chat/completions', { ...hello, logprobs: true }),
    fail,
    refused,
  ],
])('traces %s', async (name, sent, execute, expected) => {
  const model = served(vllm, execute);
  const file = join(folder, name.replaceAll(' ', '-'));
  const tracing = testTracing({ values, target: { mode: 'triton', file, modeSettings: [] } }, [
    model,
  ]);
  await ask(model, sent, tracing);
  await tracing.tracing.close();
  const items = JSON.parse(readFileSync(file, 'utf8')) as { timestamps?: { name: string }[] }[];
  const times = items.flatMap(({ timestamps }) => timestamps ?? []).map((time) => time.name);
  expect(times.sort()).toEqual(expected);
});
