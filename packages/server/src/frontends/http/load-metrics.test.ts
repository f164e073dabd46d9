import { emptyModelConfig, modelConfigFromJson, type Tensor } from '@nereid/protocol';
import { FakeServedModel } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { createHttpHandler } from './http-handler.ts';
import { exchange } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const io = { name: 'X', data_type: 'TYPE_INT32', dims: [1] };
const config = modelConfigFromJson(JSON.stringify({ input: [io], output: [io] }));
const answer: Tensor = { name: 'X', dataType: 'INT32', shape: [1], data: new Uint8Array(4) };

const family = 'nv_trt_llm_kv_cache_block_metrics';
const sample = (type: string, value: string): string =>
  `${family}{kv_cache_block_type="${type}",model="tensorrt_llm",version="1"} ${value}\n`;
const complete = `# HELP ${family} KV cache\n# TYPE ${family} gauge\n${sample('used', '3')}${sample('max', '12')}${sample('tokens_per', '64')}${sample('free', '9')}other{a="b"} 1\n`;

async function headerFor(
  endpoint: string,
  format: string | null,
  metrics: string,
): Promise<string | null> {
  const model = new FakeServedModel({
    name: 'm',
    config: { ...emptyModelConfig(), ...config, name: 'm' },
    execute: () => [answer],
  });
  const handler = createHttpHandler(httpContext([model], { metricsText: () => metrics }));
  const reply = await exchange(handler, {
    method: 'POST',
    path: `/v2/models/m/${endpoint}`,
    body: '{"X":1}',
    ...(format === null ? {} : { headers: { 'endpoint-load-metrics-format': format } }),
  });
  expect(reply.status).toBe(200);
  return reply.header('endpoint-load-metrics');
}

const json = 'JSON {"named_metrics":{"kv_cache_utilization":0.25,"max_token_capacity":768}}';
const text =
  'TEXT named_metrics.kv_cache_utilization=0.250000, named_metrics.max_token_capacity=768';

it.each([
  ['json', complete, json],
  ['text', complete, text],
  [null, complete, null],
  ['JSON', complete, null],
  ['json', '', null],
  ['json', complete.replace(sample('max', '12'), ''), null],
  ['json', complete.replace(' 12\n', ' NaN\n'), null],
  [
    'json',
    complete.replace(' 12\n', ' 0\n'),
    'JSON {"named_metrics":{"kv_cache_utilization":0.0,"max_token_capacity":0}}',
  ],
])('tells the load in format %s', async (format, metrics, expected) => {
  for (const endpoint of ['generate', 'generate_stream']) {
    expect(await headerFor(endpoint, format, metrics)).toBe(expected);
  }
});
