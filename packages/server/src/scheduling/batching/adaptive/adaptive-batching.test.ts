import { parseModelConfigText } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import {
  type Load,
  type LoadResult,
  poissonArrivalsNs,
  simulateLoad,
} from '../../testing/load-simulation.ts';
import { adaptiveSettingsOf } from './adaptive-settings.ts';

const ms = 1e6;

/** What a batch of a size costs, for three kinds of models. */
const curves: Readonly<Record<string, (size: number) => number>> = {
  'a fixed cost that joining saves': (size) => 2 * ms + 0.05 * ms * size,
  'a cost for each item, so that joining saves nothing': (size) => 0.5 * ms * size,
  'a cost that leaps beyond eight items': (size) =>
    size <= 8 ? ms + 0.1 * ms * size : 1.8 * ms + ms * (size - 8),
};

const handTuned = [
  '',
  'max_queue_delay_microseconds: 200',
  'max_queue_delay_microseconds: 1000',
  'preferred_batch_size: [ 8 ]',
  'preferred_batch_size: [ 16 ] max_queue_delay_microseconds: 500',
  'preferred_batch_size: [ 32 ] max_queue_delay_microseconds: 2000',
];

const parameter = (key: string, value: string): string =>
  `parameters { key: "${key}" value { string_value: "${value}" } }`;
const adaptive = parameter('adaptive', 'true');

function percentileMs({ latenciesNs }: LoadResult, share: number): number {
  return (latenciesNs[Math.floor(latenciesNs.length * share)] as number) / ms;
}

describe('clients that send again when they are answered', () => {
  const loads = Object.keys(curves).flatMap((curve) =>
    [1, 8, 32].map((clients) => [curve, clients] as const),
  );

  it.each(loads)('%s: %i clients', async (curve, clients) => {
    const load = {
      costNs: curves[curve] as (size: number) => number,
      clients,
      returnNs: (random: number) => 50_000 + 500_000 * random * random,
      simulatedMs: 1500,
    };
    const learned = await simulateLoad({ ...load, parameters: adaptive });
    for (const batching of handTuned) {
      const { answers } = await simulateLoad({ ...load, batching });
      expect(learned.answers, batching).toBeGreaterThan(0.95 * answers);
    }
  });

  it('learns what its sizes cost and which is the best', async () => {
    const { report } = await simulateLoad({
      costNs: curves['a cost that leaps beyond eight items'] as (size: number) => number,
      clients: 32,
      parameters: adaptive,
      simulatedMs: 500,
    });
    expect(report.adaptive).toMatchObject({ best_batch_size: 8 });
    const known = report.adaptive?.costs.find(({ batch_size }) => batch_size === 4);
    expect(known?.usual_us).toBeCloseTo(1400, -2);
  });

  it('waits for those who are on their way, and stops to when they do not come', async () => {
    const load = { costNs: curves['a fixed cost that joining saves'] as () => number };
    const quick = await simulateLoad({
      ...load,
      clients: 16,
      returnNs: () => 400_000,
      parameters: adaptive,
      simulatedMs: 500,
    });
    expect(quick.report.batch_sizes.at(-1)).toMatchObject({ batch_size: 16 });
    const slow = await simulateLoad({
      ...load,
      clients: 16,
      returnNs: () => 30 * ms,
      parameters: adaptive,
      simulatedMs: 2000,
    });
    const { wait_count = 0, vain_wait_count = 0 } = slow.report.adaptive ?? {};
    expect(vain_wait_count).toBeLessThanOrEqual(wait_count);
    expect(wait_count).toBeLessThan(slow.report.batch_count / 8);
  });
});

describe('a load that changes', () => {
  // Best by fours, unless there are enough for sixteen.
  const uneven = (size: number) => (size <= 4 ? 0.34 : size < 16 ? 0.5 : 0.2) * ms * size;
  const returnNs = (random: number) => 50_000 + 100_000 * random;
  // At first small batches are slow, so that larger ones are tried.
  const disturbanceNs = (nowNs: number, durationNs: number) =>
    nowNs < 100 * ms && durationNs < 2 * ms ? 4 * ms : 0;

  it.each([
    ['more clients', 4, 32, (size: number) => 2 * ms + 0.05 * ms * size, 32],
    ['fewer clients', 32, 8, uneven, 4],
  ] as const)('%s', async (_, clients, laterClients, costNs, sizeBest) => {
    const later = { fromMs: 1500, clients: laterClients };
    const load = { costNs, clients, later, returnNs, disturbanceNs, simulatedMs: 2500 };
    const learned = await simulateLoad({ ...load, parameters: adaptive });
    const batching = `preferred_batch_size: [ ${sizeBest} ] max_queue_delay_microseconds: 100`;
    const tuned = await simulateLoad({ ...load, batching, maxBatchSize: sizeBest });
    // With a quarter of a second to learn.
    const answersLater = ({ answerTimesNs }: LoadResult): number =>
      answerTimesNs.filter((ns) => ns > (later.fromMs + 250) * ms).length;
    expect(answersLater(learned)).toBeGreaterThan(0.95 * answersLater(tuned));
  });
});

/** What other processes take of a run, and much more in bad moments of 40 ms. */
function disturbanceNs(nowNs: number, durationNs: number, random: () => number): number {
  const isBad = Math.floor(nowNs / (40 * ms)) % 4 === 1;
  return stopsNs(isBad ? 0.5 * ms : 8 * ms, durationNs, random);
}

/** What other processes take of a run: a little all the time, and a stop after so much of it on the average. */
function stopsNs(betweenNs: number, durationNs: number, random: () => number): number {
  let disturbance = durationNs * 0.2 * random();
  // As many stops as there are arrivals of a Poisson process.
  let passed = -Math.log(1 - random());
  while (passed < durationNs / betweenNs) {
    disturbance += 0.2 * ms + 3 * ms * random() * random();
    passed -= Math.log(1 - random());
  }
  return disturbance;
}

describe('a machine that has other things to do', () => {
  const inline = { inlineMax: Infinity, readNs: 22_000, instanceCount: 2 };
  const layered = { ...inline, costNs: (size: number) => 40_000 + 9000 * size };
  const models: Readonly<Record<string, Pick<Load, 'costNs'> & Partial<Load>>> = {
    'weights that are read for each run, on the event loop': layered,
    'batches of four at most, on the event loop': { ...layered, maxBatchSize: 4 },
    'the same work for each item, on a thread': { costNs: (size) => 20_000 + 300_000 * size },
  };
  const loads = Object.keys(models).flatMap((model) =>
    [1, 8, 32].map((clients) => [model, clients] as const),
  );

  it.each(loads)('%s: %i clients', async (model, clients) => {
    const { maxBatchSize = 32 } = models[model] ?? {};
    const load: Load = {
      ...(models[model] as Load),
      clients,
      disturbanceNs,
      returnNs: (random) => 40_000 + 100_000 * random * random,
      simulatedMs: 1500,
    };
    const learned = await simulateLoad({ ...load, parameters: adaptive });
    for (const setting of handTuned) {
      const batching = setting.replace(/\[ \d+ \]/u, (sizes) =>
        Number(sizes.slice(2, -2)) > maxBatchSize ? `[ ${maxBatchSize} ]` : sizes,
      );
      const { answers } = await simulateLoad({ ...load, batching });
      expect(learned.answers, batching).toBeGreaterThan(0.95 * answers);
    }
  });
});

describe('batches on threads, which leave the event loop free', () => {
  const onLoop = { inlineMax: 4, readNs: 25_000 };
  const models: Readonly<Record<string, Pick<Load, 'costNs'> & Partial<Load>>> = {
    'better beyond a size that is worse': {
      ...onLoop,
      costNs: (size) => (size <= 4 ? 34_000 * size : 270_000 + 31_000 * size),
    },
    'worse, as threads are slow': {
      ...onLoop,
      costNs: (size) => (size <= 4 ? 34_000 * size : ms + 70_000 * size),
    },
    'two at a time, which is better than one that is larger': {
      readNs: 25_000,
      costNs: (size) => 100_000 + 45_000 * size,
      instanceCount: 2,
    },
  };
  it.each([
    ['better beyond a size that is worse', 8],
    ['better beyond a size that is worse', 32],
    ['worse, as threads are slow', 8],
    ['worse, as threads are slow', 32],
    ['two at a time, which is better than one that is larger', 32],
  ])('%s: %i clients', async (model, clients) => {
    const load: Load = {
      ...(models[model] as Load),
      clients,
      disturbanceNs: (_, durationNs, random) => stopsNs(8 * ms, durationNs, random),
      returnNs: (random) => 40_000 + 100_000 * random * random,
      simulatedMs: 3000,
    };
    const learned = await simulateLoad({ ...load, parameters: adaptive });
    for (const maxBatchSize of [2, 4, 8, 16, 32]) {
      const batching = `preferred_batch_size: [ ${maxBatchSize} ]`;
      const { answers } = await simulateLoad({ ...load, batching, maxBatchSize });
      expect(learned.answers, batching).toBeGreaterThan(0.95 * answers);
    }
  });
});

describe('two instances', () => {
  it('do not share what waits where one runs after the other on the event loop', async () => {
    const { report } = await simulateLoad({
      costNs: (size) => 25_000 * size,
      inlineMax: Infinity,
      clients: 8,
      instanceCount: 2,
      parameters: adaptive,
      simulatedMs: 200,
    });
    expect(report.batch_sizes.at(-1)?.batch_size).toBe(8);
  });

  it('share what waits where joining saves nothing', async () => {
    const costNs = (size: number) => ms * size;
    const load = { costNs, clients: 8, instanceCount: 2, simulatedMs: 500 };
    const learned = await simulateLoad({ ...load, parameters: adaptive });
    const { answers } = await simulateLoad({ ...load, batching: 'preferred_batch_size: [ 4 ]' });
    expect(learned.answers).toBeGreaterThan(0.95 * answers);
    expect(percentileMs(learned, 0.5)).toBeLessThan(6);
  });
});

describe('a latency target', () => {
  const costNs = (size: number) => 0.5 * ms + 0.4 * ms * size;
  const load = { costNs, arrivalsNs: poissonArrivalsNs(1500, 3000), simulatedMs: 3000 };

  it('is kept by smaller batches, as long as they are fast enough', async () => {
    const free = await simulateLoad({ ...load, parameters: adaptive });
    const parameters = `${adaptive} ${parameter('adaptive_latency_target_us', '20000')}`;
    const held = await simulateLoad({ ...load, parameters });
    expect(percentileMs(held, 0.99)).toBeLessThan(20);
    expect(held.answers).toBeGreaterThan(0.98 * free.answers);
    const sizes = held.report.batch_sizes.map(({ batch_size }) => batch_size);
    expect(0.5 + 0.4 * Math.max(...sizes)).toBeLessThanOrEqual(10);
  });

  it('too low for any batch leaves requests alone', async () => {
    const parameters = `${adaptive} ${parameter('adaptive_latency_target_us', '100')}`;
    const { report } = await simulateLoad({ costNs, clients: 4, parameters, simulatedMs: 200 });
    const largest = report.batch_sizes.at(-1)?.batch_size ?? 0;
    expect(largest).toBe(1);
  });
});

describe('adaptiveSettingsOf', () => {
  const settings = (text: string) =>
    adaptiveSettingsOf(parseModelConfigText(`name: "m" ${text}`, 'c'));

  it('is off unless it is asked for', () => {
    expect(settings('dynamic_batching { }')).toBe(null);
    expect(settings(`dynamic_batching { } ${parameter('adaptive', 'false')}`)).toBe(null);
    for (const fields of ['', 'preferred_batch_size: [ 8 ]']) {
      expect(settings(`max_batch_size: 8 dynamic_batching { ${fields} } ${adaptive}`)).toEqual({
        latencyTargetNs: null,
      });
    }
    const target = parameter('adaptive_latency_target_us', '1500');
    expect(settings(`dynamic_batching { } ${adaptive} ${target}`)).toEqual({
      latencyTargetNs: 1_500_000,
    });
  });

  it.each([
    [`dynamic_batching { } ${parameter('adaptive', 'yes')}`, 'must be "true" or "false"'],
    [adaptive, 'needs dynamic_batching { }'],
    [`dynamic_batching { preferred_batch_size: [ 4 ] } ${adaptive}`, 'leave them out'],
    [`dynamic_batching { max_queue_delay_microseconds: 4 } ${adaptive}`, 'leave them out'],
    [`dynamic_batching { } ${parameter('adaptive_latency_target_us', '5')}`, 'needs parameter'],
    ...['0', '-1', '1e3', '1.5', '', '9'.repeat(13)].map((value) => [
      `dynamic_batching { } ${adaptive} ${parameter('adaptive_latency_target_us', value)}`,
      'must be a number of microseconds',
    ]),
  ])('refuses %s', (text, message) => {
    expect(() => settings(text as string)).toThrow(message);
  });
});
