import { TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import type { InferResponse, ResponseSink } from '../core/infer-response.ts';
import { silentLogger } from '../core/logger.ts';
import { latencySumsOnly, ModelLatencies } from '../observability/model-latencies.ts';
import { recordingFirstResponse } from './first-response.ts';

const response = {} as InferResponse;
const error = new TritonError('INTERNAL', 'no');

function setUp(): {
  clock: ManualClock;
  sink: ResponseSink;
  heard: unknown[];
  recorded: () => unknown;
} {
  const clock = new ManualClock();
  const settings = { ...latencySumsOnly, histograms: true };
  const config = { name: 'm', model_metrics: null };
  const latencies = new ModelLatencies(settings, config, false, clock, silentLogger);
  const heard: unknown[] = [];
  const listener: ResponseSink = {
    respond: (...args) => heard.push(args),
    fail: (...args) => heard.push(args),
  };
  return {
    clock,
    heard,
    sink: recordingFirstResponse(listener, latencies, clock.nowNs(), clock),
    recorded: () => {
      const [first] = latencies.series();
      return first?.value.kind === 'histogram' && [Array.from(first.value.counts), first.value.sum];
    },
  };
}

test('records the first of several answers, and hands all on', () => {
  const { clock, sink, heard, recorded } = setUp();
  clock.advanceMs(150.5);
  sink.respond(response, false);
  clock.advanceMs(1000);
  sink.respond(response, false);
  sink.respond(null, true);
  expect(recorded()).toEqual([[0, 1, 0, 0, 0], 150]);
  expect(heard).toEqual([
    [response, false],
    [response, false],
    [null, true],
  ]);
});

test('takes an error for an answer, and the end without an answer for none', () => {
  const failed = setUp();
  failed.sink.fail(error, { final: false });
  expect(failed.recorded()).toEqual([[1, 0, 0, 0, 0], 0]);
  expect(failed.heard).toEqual([[error, { final: false }]]);
  const empty = setUp();
  empty.sink.respond(null, true);
  expect(empty.recorded()).toEqual([[0, 0, 0, 0, 0], 0]);
});

test('is not in the way where nothing is recorded', () => {
  const sink: ResponseSink = { respond() {}, fail() {} };
  const clock = new ManualClock();
  expect(recordingFirstResponse(sink, null, 0, clock)).toBe(sink);
});
