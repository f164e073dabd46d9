import { parseModelConfigText } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { adaptiveSettingsOf } from './adaptive-settings.ts';
import { type LoadResult, poissonArrivalsNs, simulateLoad } from './testing/load-simulation.ts';

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
      simulatedMs: 1000,
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
    expect(known?.mean_us).toBeCloseTo(1400, -2);
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

describe('two instances', () => {
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
