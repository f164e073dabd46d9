import { countText, nanosecondsText } from '../terminal/quantity-text.ts';
import { type Column, tableText } from '../terminal/table.ts';
import type { ModelActivity } from './statistics-delta.ts';

const sizesMax = 4;

const totals: readonly Column[] = [
  { title: 'REQUESTS', align: 'right' },
  { title: 'FAILED', align: 'right' },
];
const rates: readonly Column[] = [
  { title: 'REQ/S', align: 'right' },
  { title: 'INFER/S', align: 'right' },
  { title: 'FAILED', align: 'right' },
];
const latency: Column = { title: 'LATENCY', align: 'right' };
const percentiles: readonly Column[] = [
  { title: 'P50', align: 'right' },
  { title: 'P99', align: 'right' },
];
const common: readonly Column[] = [
  { title: 'QUEUE', align: 'right' },
  { title: 'COMPUTE', align: 'right' },
  { title: 'CACHE', align: 'right' },
  { title: 'BATCH', align: 'right' },
  { title: 'BATCH SIZES' },
];

/** A line a model version; rates where there are any, else totals; percentiles where the server has them. */
export function activityTable(
  activities: readonly ModelActivity[],
  withRates: boolean,
  widthMax: number | null = null,
): string {
  const withPercentiles = activities.some(({ latencyP50Ns }) => latencyP50Ns !== null);
  const columns = [
    { title: 'MODEL' },
    { title: 'VERSION', align: 'right' as const },
    ...(withRates ? rates : totals),
    latency,
    ...(withPercentiles ? percentiles : []),
    ...common,
  ];
  return tableText(
    columns,
    activities.map((one) => [
      one.name,
      one.version,
      ...counts(one, withRates),
      durationText(one.latencyNs),
      ...(withPercentiles ? [durationText(one.latencyP50Ns), durationText(one.latencyP99Ns)] : []),
      ...rest(one),
    ]),
    widthMax,
  );
}

function counts(one: ModelActivity, withRates: boolean): string[] {
  const failed = countText(one.failed);
  return withRates
    ? [rateText(one.requestsPerSecond), rateText(one.inferencesPerSecond), failed]
    : [countText(one.succeeded), failed];
}

function rest(one: ModelActivity): string[] {
  const sum = one.batchSizes.reduce((total, { count }) => total + count, 0);
  const sizes = one.batchSizes
    .slice(0, sizesMax)
    .map(({ size, count }) => `${size}: ${Math.round((count / sum) * 100)} %`);
  return [
    durationText(one.queueNs),
    durationText(one.computeNs),
    one.cacheHits === null ? '-' : `${Math.round(one.cacheHits * 100)} %`,
    one.batch === null ? '-' : one.batch.toFixed(1),
    sizes.join(', ') + (one.batchSizes.length > sizesMax ? ', …' : ''),
  ];
}

function durationText(nanoseconds: number | null): string {
  return nanoseconds === null ? '-' : nanosecondsText(nanoseconds);
}

export function rateText(rate: number | null): string {
  if (rate === null) return '-';
  return rate >= 100 || rate === 0 ? countText(rate) : rate.toFixed(1);
}
