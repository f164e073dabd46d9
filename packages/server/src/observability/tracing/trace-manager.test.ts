import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../core/logger.ts';
import { TraceManager } from './trace-manager.ts';
import type { TraceChange, TraceSettingValues } from './trace-setting-values.ts';

const times = { timestamps: true, tensors: false };
const off = { timestamps: false, tensors: false };
const noHeaders = (): null => null;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'traces-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface SetUp extends Partial<TraceSettingValues> {
  readonly file?: string;
}

function setUp({ file = join(folder, 'trace.json'), ...values }: SetUp = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = {
    ...silentLogger,
    error: (text: string) => void lines.push(`error ${text}`),
    warning: (text: string) => void lines.push(`warning ${text}`),
  };
  const manager = new TraceManager({
    values: { level: times, rate: 1, count: -1, logFrequency: 0, ...values },
    target: { mode: 'triton', file, modeSettings: [] },
    clock,
    logger,
    spans: null,
    monotonicOffsetNs: 1_000_000_000_000_000_000n,
  });
  /** A request from its reading to its answer. True where it was traced. */
  const request = (model = 'm', id = ''): boolean => {
    const traced = manager.sample(model, noHeaders);
    if (traced === null) return false;
    traced.capture('HTTP_RECV_START');
    traced.trace.start({ modelName: model, modelVersion: 1, id }, clock.nowNs());
    clock.advanceMs(1);
    traced.trace.end(clock.nowNs());
    traced.capture('HTTP_SEND_END');
    traced.close();
    return true;
  };
  return { manager, clock, lines, request };
}

interface Item {
  readonly id: number;
  readonly model_name?: string;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
}

function read(name: string): Item[] {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Item[];
}

function idsOf(name: string): number[] {
  return [...new Set(read(name).map(({ id }) => id))];
}

function refusal(act: () => void): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TritonError);
    expect((error as TritonError).code).toBe('INVALID_ARG');
    return (error as TritonError).message;
  }
  return 'accepted';
}

describe('sampling', () => {
  it('takes every n-th request of each setting', () => {
    const { request } = setUp({ rate: 3 });
    expect(Array.from({ length: 7 }, () => request())).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it('ends when the count is used up, which the settings show', async () => {
    const { manager, request } = setUp({ rate: 2, count: 2 });
    expect(Array.from({ length: 8 }, () => request()).filter(Boolean)).toHaveLength(2);
    expect(manager.status('').count).toBe(0);
    await manager.close();
    expect(idsOf('trace.json')).toEqual([1, 2]);
  });

  it('takes exactly as many requests as rate and count say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: -1, max: 9 }),
        fc.integer({ min: 0, max: 60 }),
        (rate, count, requests) => {
          const { request } = setUp({ rate, count });
          let traced = 0;
          for (let i = 0; i < requests; i++) if (request()) traced++;
          const turns = Math.floor(requests / rate);
          expect(traced).toBe(count < 0 ? turns : Math.min(count, turns));
        },
      ),
    );
  });

  it('takes nothing while it is off, without a file, or at rate 0', () => {
    expect(setUp({ level: off }).request()).toBe(false);
    expect(setUp({ level: off }).manager.enabled).toBe(false);
    expect(setUp({ file: '' }).request()).toBe(false);
    expect(setUp({ rate: 0 }).request()).toBe(false);
  });
});

describe('files', () => {
  it('hold what was noted, in the order in which it was', async () => {
    const { manager, request } = setUp();
    request('m', 'say "a"');
    await manager.close();
    expect(readFileSync(join(folder, 'trace.json'), 'utf8')).toBe(
      '[{"id":1,"timestamps":[{"name":"HTTP_RECV_START","ns":1000000000000000000}]},' +
        '{"id":1,"model_name":"m","model_version":1,"request_id":"say \\"a\\""},' +
        '{"id":1,"timestamps":[{"name":"REQUEST_START","ns":1000000000000000000}]},' +
        '{"id":1,"timestamps":[{"name":"REQUEST_END","ns":1000000000001000000}]},' +
        '{"id":1,"timestamps":[{"name":"HTTP_SEND_END","ns":1000000000001000000}]}]',
    );
  });

  it('are numbered where a log frequency is set, the last for what is left', async () => {
    const { manager, request } = setUp({ logFrequency: 2 });
    for (let i = 0; i < 5; i++) request();
    await manager.close();
    expect(readdirSync(folder).sort()).toEqual(['trace.json.0', 'trace.json.1', 'trace.json.2']);
    expect([idsOf('trace.json.0'), idsOf('trace.json.2')]).toEqual([[1, 2], [5]]);
  });

  it('are numbered when a count of every request is complete', async () => {
    const { manager, request } = setUp({ count: 3 });
    for (let i = 0; i < 5; i++) request();
    await manager.close();
    expect(readdirSync(folder)).toEqual(['trace.json.0']);
    expect(idsOf('trace.json.0')).toEqual([1, 2, 3]);
  });

  it('get what a setting has when another takes its place', async () => {
    const { manager, request } = setUp({ logFrequency: 10 });
    request();
    manager.update('', { rate: 2 });
    request();
    request();
    await manager.close();
    expect([idsOf('trace.json.0'), idsOf('trace.json.1')]).toEqual([[1], [2]]);
  });

  it('wait for requests that are under way', async () => {
    const { manager, clock } = setUp({ logFrequency: 10 });
    const traced = manager.sample('m', noHeaders);
    manager.update('', { level: off });
    traced?.capture('HTTP_RECV_START', clock.nowNs());
    traced?.close();
    traced?.close();
    await manager.close();
    expect(idsOf('trace.json.0')).toEqual([1]);
  });

  it('are written ahead of time when there is much', async () => {
    const { manager, clock } = setUp({ level: { timestamps: true, tensors: true } });
    const tensor: Tensor = {
      name: 'X',
      dataType: 'UINT8',
      shape: [1_000_000],
      data: new Uint8Array(1_000_000),
    };
    for (let i = 0; i < 6; i++) {
      const traced = manager.sample('m', noHeaders);
      traced?.trace.start({ modelName: 'm', modelVersion: 1, id: '' }, clock.nowNs());
      traced?.trace.reportTensors('TENSOR_QUEUE_INPUT', [tensor]);
      traced?.trace.end(clock.nowNs());
      traced?.close();
      tensor.data.fill(i + 1);
    }
    await manager.close();
    const items = read('trace.json') as { tensor?: { data: string } }[];
    const data = items.flatMap(({ tensor }) => (tensor === undefined ? [] : [tensor.data]));
    // Each with what it held when it was noted.
    expect(data.map((text) => [text.length, text[0]])).toEqual(
      [0, 1, 2, 3, 4, 5].map((value) => [1_999_999, String(value)]),
    );
  });

  it('that cannot be written cost a line in the log and nothing else', async () => {
    const { manager, request, lines } = setUp({
      file: join(folder, 'missing', 'trace.json'),
      logFrequency: 1,
    });
    for (let i = 0; i < 3; i++) expect(request()).toBe(true);
    await manager.close();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^error failed creating trace file .*ENOENT/u);
  });
});

describe('requests that others lead to', () => {
  it('are written with the request that came from outside, with its id as their parent', async () => {
    const { manager } = setUp();
    const traced = manager.sample('ensemble', noHeaders);
    traced?.trace.start({ modelName: 'ensemble', modelVersion: 1, id: 'a' }, 0);
    const step = traced?.trace.child();
    step?.start({ modelName: 'step', modelVersion: 2, id: 'a' }, 1);
    traced?.trace.child();
    traced?.close();
    step?.end(2);
    traced?.trace.end(3);
    const late = traced?.trace.child();
    late?.start({ modelName: 'late', modelVersion: 1, id: '' }, 4);
    late?.end(5);
    await manager.close();
    const models = read('trace.json').filter(({ model_name }) => model_name !== undefined);
    expect(models).toEqual([
      { id: 1, model_name: 'ensemble', model_version: 1, request_id: 'a' },
      { id: 2, model_name: 'step', model_version: 2, request_id: 'a', parent_id: 1 },
    ]);
  });
});

describe('settings', () => {
  const summary = (manager: TraceManager, model = ''): unknown[] => {
    const { level, rate, count, logFrequency } = manager.status(model);
    return [level.timestamps, level.tensors, rate, count, logFrequency];
  };

  it('of a model are its own where it has them, and the global ones elsewhere', () => {
    const { manager } = setUp();
    manager.update('m', { rate: 12, logFrequency: 34 });
    manager.update('', { rate: 56, count: 78, level: off });
    expect(summary(manager, 'm')).toEqual([false, false, 12, 78, 34]);
    manager.update('', { rate: null, count: null });
    expect(summary(manager)).toEqual([false, false, 1, -1, 0]);
    expect(summary(manager, 'm')).toEqual([false, false, 12, -1, 34]);
    manager.update('m', { rate: null, level: null });
    expect(summary(manager, 'm')).toEqual([false, false, 1, -1, 34]);
    manager.update('m', { logFrequency: null });
    expect(summary(manager, 'm')).toEqual(summary(manager));
  });

  it('of models count for themselves', () => {
    const { manager, request } = setUp({ level: off });
    manager.update('a', { level: times, count: 1 });
    manager.update('b', { level: times, rate: 2 });
    const traced = (model: string): number =>
      Array.from({ length: 4 }, () => request(model)).filter(Boolean).length;
    expect([traced('a'), traced('b'), traced('c')]).toEqual([1, 2, 0]);
    manager.update('a', { level: null, count: null });
    manager.update('b', { level: null, rate: null });
    expect(manager.enabled).toBe(false);
  });

  it('that would trace nothing are refused, but for those that turn it off', () => {
    const { manager } = setUp();
    const change = (values: TraceChange): string => refusal(() => manager.update('', values));
    const text = 'Attempting to set invalid trace setting :';
    expect(change({ rate: 0 })).toBe(`${text}sample rate must be non-zero`);
    expect(change({ count: 0 })).toBe(text);
    expect(change({ count: 0, level: off })).toBe('accepted');
    expect(
      refusal(() => setUp({ file: '', level: off }).manager.update('', { level: times })),
    ).toBe(`${text}trace file name is not given`);
  });

  it('of a model whose count is used up do not stand in the way of the global ones', () => {
    const { manager, request } = setUp();
    manager.update('m', { count: 1 });
    expect([request(), request()]).toEqual([true, false]);
    manager.update('', { rate: 2 });
    expect(summary(manager, 'm')).toEqual([true, false, 2, 0, 0]);
    expect(request()).toBe(false);
  });

  it('are those of the last change, whatever came before', () => {
    const value = fc.option(fc.integer({ min: 1, max: 5 }), { nil: null });
    const change = fc.record({ rate: value, count: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('', 'm'), change)), (changes) => {
        const { manager } = setUp({ rate: 7, count: 9 });
        const given = new Map<string, number | null>();
        for (const [model, values] of changes) {
          manager.update(model, values);
          for (const [name, value] of Object.entries(values)) given.set(model + name, value);
        }
        for (const [name, fallback] of [
          ['rate', 7],
          ['count', 9],
        ] as const) {
          const global = given.get(name) ?? fallback;
          expect(manager.status('')[name]).toBe(global);
          expect(manager.status('m')[name]).toBe(given.get(`m${name}`) ?? global);
        }
      }),
    );
  });
});
