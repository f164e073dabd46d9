import { ManualClock } from '@nereid/test-kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QuantileWindow } from './quantile-window.ts';

describe('QuantileWindow', () => {
  test('is off by less than a hundredth of the value', () => {
    const values = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (recorded, quantile) => {
        const clock = new ManualClock();
        const window = new QuantileWindow(clock, [quantile]);
        for (const value of recorded) window.record(value, clock.nowNs());
        const sorted = recorded.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] as number;
        const [[, found] = []] = window.value().quantiles;
        expect(Math.abs((found as number) - exact)).toBeLessThanOrEqual(exact / 100);
      }),
    );
  });

  test('forgets what is older than a minute, but not count and sum', () => {
    const clock = new ManualClock();
    const window = new QuantileWindow(clock, [0.5]);
    const median = (): unknown => window.value().quantiles[0]?.[1];
    window.record(100, clock.nowNs());
    clock.advanceMs(30_000);
    window.record(50, clock.nowNs());
    window.record(50, clock.nowNs());
    expect(median()).toBe(50);
    clock.advanceMs(29_999);
    expect(median()).toBe(50);
    clock.advanceMs(31_000);
    expect(median()).toBeNaN();
    expect(window.value()).toMatchObject({ count: 3, sum: 200 });
  });

  test('starts anew after a long silence', () => {
    const clock = new ManualClock();
    const window = new QuantileWindow(clock, [1]);
    window.record(7, clock.nowNs());
    clock.advanceMs(100_000_000);
    window.record(9, clock.nowNs());
    expect(window.value().quantiles).toEqual([[1, 9]]);
  });

  test('counts what is larger than its table as its largest value', () => {
    const window = new QuantileWindow(new ManualClock(), [1]);
    window.record(2 ** 40, 0);
    const [[, found] = []] = window.value().quantiles;
    expect((found as number) / 2 ** 32).toBeCloseTo(1, 2);
    expect(window.value().sum).toBe(2 ** 40);
  });
});
