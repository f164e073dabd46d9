import { TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import type { InferResponse, ResponseSink } from '../core/infer-response.ts';
import { type LogFields, silentLogger } from '../core/logger.ts';
import { AccessLog } from './access-log.ts';

const key = { namespace: '', name: 'm', version: 2 };
const response = {} as InferResponse;
const error = new TritonError('INTERNAL', 'it broke');

function setUp(slowMs = 100): {
  clock: ManualClock;
  accessLog: AccessLog;
  lines: [string, LogFields | undefined][];
  watch: (id?: string) => { sink: ResponseSink; heard: unknown[][] };
} {
  const clock = new ManualClock();
  const lines: [string, LogFields | undefined][] = [];
  const logger = {
    ...silentLogger,
    info: (message: string, fields?: LogFields) => void lines.push([message, fields]),
  };
  const accessLog = new AccessLog({ slowMs, clock, logger });
  const times = { queueNs: 1_500_000, computeNs: 2_000 };
  return {
    clock,
    accessLog,
    lines,
    watch(id = '') {
      const heard: unknown[][] = [];
      const listener = {
        respond: (...args: unknown[]) => void heard.push(args),
        fail: (...args: unknown[]) => void heard.push(args),
      };
      return { heard, sink: accessLog.watch(listener, key, id, clock.nowNs(), times) };
    },
  };
}

describe('AccessLog', () => {
  test('says nothing of a quick success', () => {
    const { clock, lines, watch } = setUp();
    const { sink, heard } = watch();
    clock.advanceMs(99);
    sink.respond(response, true);
    expect([lines, heard]).toEqual([[], [[response, true]]]);
  });

  test('tells of a slow one when its last answer is out', () => {
    const { clock, lines, watch } = setUp();
    const { sink } = watch('42');
    sink.respond(response, false);
    clock.advanceMs(100);
    sink.respond(response, false);
    expect(lines).toEqual([]);
    sink.respond(null, true);
    expect(lines).toEqual([
      [
        'slow request',
        {
          model: 'm',
          version: 2,
          id: '42',
          total_ms: 100,
          queue_ms: 1.5,
          compute_ms: 0.002,
          responses: 2,
        },
      ],
    ]);
  });

  test('tells of every failure, with its reason', () => {
    const { lines, watch } = setUp();
    watch().sink.fail(error);
    const decoupled = watch();
    decoupled.sink.fail(error, { final: false });
    decoupled.sink.respond(null, true);
    expect(
      lines.map(([message, fields]) => [message, fields?.['code'], fields?.['reason']]),
    ).toEqual([
      ['failed request', 'INTERNAL', 'it broke'],
      ['failed request', 'INTERNAL', 'it broke'],
    ]);
    expect(decoupled.heard).toEqual([
      [error, { final: false }],
      [null, true],
    ]);
  });

  test('tells of every request with 0', () => {
    const { lines, watch } = setUp(0);
    watch().sink.respond(response, true);
    expect(lines).toHaveLength(1);
  });

  test('tells of what was not taken up, and nothing of what nobody may know', () => {
    const { accessLog, lines } = setUp();
    accessLog.refused('nowhere', null, '', new TritonError('NOT_FOUND', 'no such model'));
    accessLog.refused('m', 1, 'x'.repeat(1000), new Error('a secret of ours'));
    expect(lines).toEqual([
      ['refused request', { model: 'nowhere', code: 'NOT_FOUND', reason: 'no such model' }],
      [
        'refused request',
        {
          model: 'm',
          version: 1,
          id: `${'x'.repeat(256)}…`,
          code: 'INTERNAL',
          reason: 'unexpected failure',
        },
      ],
    ]);
  });

  test('tells of it though the sink throws', () => {
    const { accessLog, lines, clock } = setUp(0);
    const broken = {
      respond() {
        throw new Error('broken');
      },
      fail() {},
    };
    const times = { queueNs: 0, computeNs: 0 };
    const sink = accessLog.watch(broken, key, '', clock.nowNs(), times);
    expect(() => sink.respond(response, true)).toThrow('broken');
    expect(lines).toHaveLength(1);
  });
});
