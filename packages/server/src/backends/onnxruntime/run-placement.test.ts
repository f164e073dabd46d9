import { describe, expect, it } from 'vitest';
import { inlineRunNsMax, RunPlacement } from './run-placement.ts';

const bytes = 128;

describe('RunPlacement', () => {
  it('runs the first time off the loop and a quick model on it from then on', () => {
    const placement = new RunPlacement();
    expect(placement.runsInline(bytes)).toBe(false);
    placement.learn(bytes, 60_000, false);
    expect(placement.runsInline(bytes)).toBe(true);
    for (let i = 0; i < 100; i++) placement.learn(bytes, 5_000, true);
    expect(placement.runsInline(bytes)).toBe(true);
  });

  it('keeps a slow model off the loop', () => {
    const placement = new RunPlacement();
    for (let i = 0; i < 100; i++) placement.learn(bytes, 5_000_000, false);
    expect(placement.runsInline(bytes)).toBe(false);
  });

  it('gives a model near the limit fewer and fewer tries', () => {
    const placement = new RunPlacement();
    let inlineRuns = 0;
    for (let i = 0; i < 2000; i++) {
      const inline = placement.runsInline(bytes);
      if (inline) inlineRuns++;
      placement.learn(bytes, inline ? inlineRunNsMax + 1 : 400_000, inline);
    }
    expect(inlineRuns).toBeGreaterThan(1);
    expect(inlineRuns).toBeLessThan(15);
  });

  it('finds back to the loop after one slow run', () => {
    const placement = new RunPlacement();
    placement.learn(bytes, 60_000, false);
    placement.learn(bytes, 10_000_000, true);
    expect(placement.runsInline(bytes)).toBe(false);
    placement.learn(bytes, 60_000, false);
    placement.learn(bytes, 60_000, false);
    expect(placement.runsInline(bytes)).toBe(true);
  });

  it('keeps a quick model on the loop when the machine stops now and then', () => {
    const placement = new RunPlacement();
    placement.learn(bytes, 60_000, false);
    for (let i = 0; i < 100; i++) {
      placement.learn(bytes, i % 10 === 9 ? 8_000_000 : 100_000, true);
      expect(placement.runsInline(bytes)).toBe(true);
    }
  });

  it('forgets in time what was held against the loop', () => {
    const placement = new RunPlacement();
    const learn = (count: number, inlineNs: number): number => {
      let offLoop = 0;
      for (let i = 0; i < count; i++) {
        const inline = placement.runsInline(bytes);
        if (!inline) offLoop++;
        placement.learn(bytes, inline ? inlineNs : 60_000, inline);
      }
      return offLoop;
    };
    learn(3000, 10_000_000);
    learn(8000, 5_000);
    placement.learn(bytes, 10_000_000, true);
    placement.learn(bytes, 10_000_000, true);
    expect(learn(100, 5_000)).toBeLessThanOrEqual(2);
  });

  it('tells sizes apart', () => {
    const placement = new RunPlacement();
    placement.learn(64, 10_000, false);
    placement.learn(1 << 20, 10_000_000, false);
    expect(placement.runsInline(64)).toBe(true);
    expect(placement.runsInline(1 << 20)).toBe(false);
    expect(placement.runsInline(0)).toBe(false);
    placement.learn(2 ** 40, 1, false);
    expect(placement.runsInline(2 ** 41)).toBe(true);
  });
});
