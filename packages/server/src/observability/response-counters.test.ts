import { expect, test } from 'vitest';
import { prometheusText } from './prometheus-text.ts';
import { ResponseCounters } from './response-counters.ts';

test('counts answers by status, and nothing that is none', () => {
  const counters = new ResponseCounters();
  for (const status of [200, 404, 200, -1, 1000, 3.5]) counters.http(status);
  for (const status of [0, 3, 17, -1]) counters.grpc(status);
  const lines = prometheusText(counters.collect())
    .split('\n')
    .filter((line) => !line.startsWith('#'));
  expect(lines).toEqual([
    'nereid_http_responses_total{code="200"} 2',
    'nereid_http_responses_total{code="404"} 1',
    'nereid_grpc_responses_total{code="OK"} 1',
    'nereid_grpc_responses_total{code="INVALID_ARGUMENT"} 1',
    '',
  ]);
});
