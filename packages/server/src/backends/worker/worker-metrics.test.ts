import { describe, expect, test } from 'vitest';
import { CustomMetrics } from '../../observability/custom-metrics.ts';
import { prometheusText } from '../../observability/prometheus-text.ts';
import { WorkerMetrics } from './worker-metrics.ts';

function setUp(): {
  worker: () => WorkerMetrics;
  answers: unknown[];
  lines: () => string[];
} {
  const metrics = new CustomMetrics([]);
  const answers: unknown[] = [];
  return {
    answers,
    worker: () => new WorkerMetrics(metrics, (message) => answers.push(message)),
    lines: () =>
      prometheusText(metrics.collect())
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#')),
  };
}

function makeGauge(worker: WorkerMetrics): void {
  worker.received({ kind: 'metric-family', call: 1, name: 'g', description: 'G', type: 'gauge' });
  worker.received({ kind: 'metric', call: 2, family: 1, labels: [['a', 'b']], buckets: null });
}

describe('WorkerMetrics', () => {
  test('numbers what it makes, and tells values', () => {
    const { worker, answers, lines } = setUp();
    const one = worker();
    makeGauge(one);
    one.received({ kind: 'metric-change', metric: 2, how: 'set', value: 4 });
    one.received({ kind: 'metric-change', metric: 2, how: 'increment', value: -1.5 });
    one.received({ kind: 'metric-value', call: 3, metric: 2 });
    one.received({ kind: 'metric-change', metric: 2, how: 'set', value: '-Infinity' });
    one.received({ kind: 'metric-value', call: 4, metric: 2 });
    expect(answers).toEqual([
      { kind: 'answer', call: 1, number: 1 },
      { kind: 'answer', call: 2, number: 2 },
      { kind: 'answer', call: 3, value: 2.5 },
      { kind: 'answer', call: 4, value: '-Infinity' },
    ]);
    expect(lines()).toEqual(['g{a="b"} -Inf']);
  });

  test('gives everything back when the process ends, and nothing of another’s', () => {
    const { worker, lines } = setUp();
    const [one, two] = [worker(), worker()];
    makeGauge(one);
    makeGauge(two);
    one.received({ kind: 'metric-change', metric: 2, how: 'set', value: 3 });
    one.close();
    expect(lines()).toEqual(['g{a="b"} 3']);
    two.received({ kind: 'metric-delete', metric: 2 });
    expect(lines()).toEqual([]);
    two.received({ kind: 'metric-family-delete', family: 1 });
    two.close();
    makeGauge(worker());
    expect(lines()).toEqual(['g{a="b"} 0']);
  });

  test('answers with what is wrong', () => {
    const { worker, answers } = setUp();
    worker().received({
      kind: 'metric-family',
      call: 9,
      name: ' ',
      description: '',
      type: 'gauge',
    });
    expect(answers).toEqual([
      { kind: 'answer', call: 9, error: { code: 'INVALID_ARG', message: 'Invalid metric name' } },
    ]);
  });

  test('takes no number that it never gave', () => {
    const { worker } = setUp();
    const one = worker();
    expect(() => one.received({ kind: 'metric-value', call: 1, metric: 7 })).toThrow('not known');
    expect(() => one.received({ kind: 'metric-family-delete', family: 7 })).toThrow('not known');
    const orphan = { kind: 'metric', call: 1, family: 7, labels: [], buckets: null } as const;
    expect(() => one.received(orphan)).toThrow('not known');
  });
});
