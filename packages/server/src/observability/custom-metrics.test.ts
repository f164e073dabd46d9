import { expect, test } from 'vitest';
import { type CustomMetricKind, CustomMetrics } from './custom-metrics.ts';
import { prometheusText } from './prometheus-text.ts';

const reserved = [
  { name: 'nv_inference_count', type: 'counter', help: '' },
  { name: 'nv_latency', type: 'histogram', help: '' },
] as const;

function setUp(): CustomMetrics {
  return new CustomMetrics(reserved);
}

function lines(metrics: CustomMetrics): string[] {
  return prometheusText(metrics.collect()).trim().split('\n');
}

test('makes one series of equal names and labels, gone with the last that refers to it', () => {
  const metrics = setUp();
  const first = metrics.family('jobs', 'First help', 'counter');
  const second = metrics.family('jobs', 'Second help', 'counter');
  const a = metrics.metric(first, new Map([['x', '1']]), null);
  const b = metrics.metric(second, new Map([['x', '1']]), null);
  a.value += 2;
  expect(b.value).toBe(2);
  expect(lines(metrics)).toEqual([
    '# HELP jobs First help',
    '# TYPE jobs counter',
    'jobs{x="1"} 2',
  ]);
  metrics.releaseMetric(a);
  metrics.releaseFamily(first);
  expect(lines(metrics)).toHaveLength(3);
  metrics.releaseMetric(b);
  metrics.releaseFamily(second);
  expect(lines(metrics)).toEqual(['']);
  expect(metrics.family('jobs', 'Third help', 'gauge').help).toBe('Third help');
});

test('writes a histogram, with no bound but infinity as well', () => {
  const metrics = setUp();
  const family = metrics.family('sizes', 'Sizes', 'histogram');
  metrics.metric(family, new Map(), [1, 2]).histogram?.record(1.5);
  metrics.metric(family, new Map([['a', 'b']]), []);
  expect(lines(metrics)).toEqual(
    expect.arrayContaining(['sizes_bucket{le="2"} 1', 'sizes_bucket{a="b",le="+Inf"} 0']),
  );
});

test.each([
  ['', 'Invalid metric name'],
  ['1a', 'Invalid metric name'],
  ['a b', 'Invalid metric name'],
  ['a\nb 1', 'Invalid metric name'],
  ['__a', 'Invalid metric name'],
  ['nv_inference_count', 'in use by another family'],
  ['nv_latency_bucket', 'in use by another family'],
])('refuses the name %j', (name, text) => {
  expect(() => setUp().family(name, 'Help', 'gauge')).toThrow(text);
});

test('refuses a name of another kind, and one whose lines another has', () => {
  const metrics = setUp();
  metrics.family('a', 'Help', 'histogram');
  expect(() => metrics.family('a', 'Help', 'gauge')).toThrow(
    'Family name already exists with different type',
  );
  expect(() => metrics.family('a_sum', 'Help', 'gauge')).toThrow('in use by another family');
});

test.each([
  ['counter', new Map([['a-b', 'x']]), null, 'Invalid label name'],
  ['counter', new Map([['__a', 'x']]), null, 'Invalid label name'],
  ['histogram', new Map([['le', 'x']]), [1], 'Invalid label name'],
  ['histogram', new Map(), [2, 1], 'Bucket Boundaries must be strictly sorted'],
] as [CustomMetricKind, Map<string, string>, number[] | null, string][])(
  'refuses a %s with %j and bounds %j',
  (kind, labels, bounds, text) => {
    const metrics = setUp();
    const family = metrics.family('a', 'Help', kind);
    expect(() => metrics.metric(family, labels, bounds)).toThrow(text);
    expect(lines(metrics)).toEqual(['']);
  },
);

test('bounds names, help texts and labels', () => {
  const metrics = setUp();
  expect(() => metrics.family('a'.repeat(5000), '', 'gauge')).toThrow('Invalid metric name');
  const family = metrics.family('a', 'x'.repeat(1_000_000), 'gauge');
  expect(family.help).toHaveLength(4096);
  const labels = new Map([['b', 'x'.repeat(5000)]]);
  expect(() => metrics.metric(family, labels, null)).toThrow('at most 4096');
});

test('bounds the number of series', () => {
  const metrics = setUp();
  const family = metrics.family('a', 'Help', 'gauge');
  let made = 0;
  expect(() => {
    for (; made < 1_000_000; made++) metrics.metric(family, new Map([['n', String(made)]]), null);
  }).toThrow('models have made 100000 series of metrics already');
  expect(made).toBe(100_000);
});
