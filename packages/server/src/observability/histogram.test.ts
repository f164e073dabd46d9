import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsProblem, Histogram } from './histogram.ts';

describe('Histogram', () => {
  test('counts a value in the first bucket whose bound is not below it', () => {
    const histogram = new Histogram([1, 5, 10]);
    for (const value of [0, 1, 1.5, 5, 10, 10.5, 1e9]) histogram.record(value);
    const { counts, sum } = histogram.value();
    expect([...Array.from(counts)]).toEqual([2, 2, 1, 2]);
    expect(sum).toBe(1_000_000_028);
  });

  test('loses no value, whatever the bounds', () => {
    const bounds = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 20 });
    fc.assert(
      fc.property(bounds, fc.array(fc.integer({ min: 0, max: 1200 })), (unsorted, values) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const histogram = new Histogram(sorted);
        for (const value of values) histogram.record(value);
        const { counts } = histogram.value();
        let cumulative = 0;
        for (const [i, bound] of sorted.entries()) {
          cumulative += counts[i] as number;
          expect(cumulative).toBe(values.filter((value) => value <= bound).length);
        }
        expect(cumulative + (counts[sorted.length] as number)).toBe(values.length);
      }),
    );
  });

  test('scales nanoseconds to seconds without leaving crumbs', () => {
    const histogram = new Histogram([100_000, 250_000]);
    histogram.record(250_000);
    histogram.exemplify(250_000, 'abc', 5);
    expect(histogram.value(1e-9)).toMatchObject({
      bounds: [0.0001, 0.00025],
      sum: 0.00025,
      exemplars: [null, { traceId: 'abc', value: 0.00025, wallMs: 5 }, null],
    });
  });

  test.each([
    [[], null],
    [[1, 2, 3], null],
    [[1, 1], 'Bucket Boundaries must be strictly sorted'],
    [[2, 1], 'Bucket Boundaries must be strictly sorted'],
    [[1, Number.POSITIVE_INFINITY], 'Bucket Boundaries must be finite'],
  ])('%j: %s', (bounds, problem) => {
    expect(boundsProblem(bounds)).toBe(problem);
  });
});
