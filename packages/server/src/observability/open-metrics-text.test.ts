import { describe, expect, test } from 'vitest';
import type { MetricSample, MetricType } from './metric-sample.ts';
import { openMetricsText } from './open-metrics-text.ts';
import { prometheusText } from './prometheus-text.ts';

function sample(
  name: string,
  type: MetricType,
  value: MetricSample['value'],
  labels = '',
): MetricSample {
  return { family: { name, type, help: 'Help "quoted"\n\\' }, labels, value };
}

const histogram = {
  kind: 'histogram',
  bounds: [0.5, 1],
  counts: [1, 0, 2],
  sum: 7.5,
  exemplars: [null, null, { traceId: 'a"b', value: 3.5, wallMs: 1500 }],
} as const;

const summary = {
  kind: 'summary',
  quantiles: [
    [0.5, 12],
    [1, Number.NaN],
  ],
  count: 4,
  sum: 40,
} as const;

describe('the two formats', () => {
  test('let no control character of a help text pass', () => {
    const family = { name: 'a', type: 'gauge', help: 'a\u001b[31m\r\u2028b' } as const;
    for (const write of [prometheusText, openMetricsText]) {
      const page = write([{ family, labels: '', value: 1 }]);
      expect(page).toContain('# HELP a a\\\\u001b[31m\\\\u000d\\\\u2028b\n');
    }
  });

  test('write a counter of Triton under its own name', () => {
    const page = openMetricsText([sample('nv_x', 'counter', 3)]);
    expect(page).toBe('# HELP nv_x Help \\"quoted\\"\\n\\\\\n# TYPE nv_x unknown\nnv_x 3\n# EOF\n');
    expect(prometheusText([sample('nv_x', 'counter', 3)])).toContain('# TYPE nv_x counter\nnv_x 3');
  });

  test('name the family of a total as each wants it', () => {
    const samples = [sample('own_total', 'counter', 3)];
    expect(openMetricsText(samples)).toContain('# TYPE own counter\nown_total 3\n');
    expect(prometheusText(samples)).toContain('# TYPE own_total counter\nown_total 3\n');
  });

  test('write a histogram, with its exemplars where there is a place for them', () => {
    const samples = [sample('h', 'histogram', histogram, '{model="m"}')];
    expect(prometheusText(samples)).toContain(
      [
        'h_count{model="m"} 3',
        'h_sum{model="m"} 7.5',
        'h_bucket{model="m",le="0.5"} 1',
        'h_bucket{model="m",le="1"} 1',
        'h_bucket{model="m",le="+Inf"} 3\n',
      ].join('\n'),
    );
    expect(openMetricsText(samples)).toContain(
      [
        'h_bucket{model="m",le="0.5"} 1',
        'h_bucket{model="m",le="1.0"} 1',
        'h_bucket{model="m",le="+Inf"} 3 # {trace_id="a\\"b"} 3.5 1.5',
        'h_count{model="m"} 3',
        'h_sum{model="m"} 7.5\n',
      ].join('\n'),
    );
  });

  test('write a summary', () => {
    const lines = ['s_count 4', 's_sum 40', 's{quantile="0.5"} 12', 's{quantile="1"} NaN\n'];
    const samples = [sample('s', 'summary', summary)];
    expect(prometheusText(samples)).toContain(lines.join('\n'));
    expect(openMetricsText(samples)).toContain(lines.join('\n'));
  });

  test('put counters before gauges before histograms before summaries', () => {
    const samples = [
      sample('s', 'summary', summary),
      sample('h', 'histogram', histogram),
      sample('g', 'gauge', 1),
      sample('c', 'counter', 1),
    ];
    const types = [...prometheusText(samples).matchAll(/^# TYPE \S+ (\S+)$/gm)].map((m) => m[1]);
    expect(types).toEqual(['counter', 'gauge', 'histogram', 'summary']);
  });
});
