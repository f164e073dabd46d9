import { describe, expect, it } from 'vitest';
import { RateTrial } from './rate-trial.ts';

const crowd = 32;

interface Outcome {
  readonly winner: number;
  readonly isSure: boolean;
  readonly batches: number;
}

/** Sends batches of whatever size has its turn, without a gap but for pauses, until there is a winner. */
function outcome(
  trial: RateTrial,
  perItemNs: (size: number, nowNs: number) => number,
  pauseNs: (batch: number) => number = () => 0,
): Outcome {
  let nowNs = 0;
  for (let batches = 1; batches < 100_000; batches++) {
    const startNs = nowNs + pauseNs(batches);
    const { size } = trial;
    nowNs = startNs + size * perItemNs(size, startNs);
    trial.learn({ size, startNs, endNs: nowNs, instances: 1, inline: size <= 4 });
    const { winner, isSure } = trial;
    if (winner !== null) return { winner, isSure, batches };
  }
  throw new Error('the trial does not end');
}

/** Between 0 and 1, as if by chance. */
const noise = (nowNs: number): number => (Math.sin(nowNs) * 43_758.5453) % 1;
const us = 1000;

describe('RateTrial', () => {
  it.each([
    ['the candidate', 0.85, 16],
    ['the present size', 1.15, 4],
  ] as const)('finds out that %s answers more', (_, factor, winner) => {
    const perItemNs = (size: number, nowNs: number): number =>
      50 * us * (size === 16 ? factor : 1) * (1 + 0.2 * noise(nowNs));
    const found = outcome(new RateTrial(4, 16, crowd), perItemNs);
    expect(found).toMatchObject({ winner, isSure: true });
    expect(found.batches).toBeLessThan(1000);
  });

  it('keeps to the present size where both answer as many', () => {
    const level = (_: number, nowNs: number): number => 50 * us * (1 + 0.2 * noise(nowNs));
    const found = outcome(new RateTrial(4, 16, crowd), level);
    expect(found).toMatchObject({ winner: 4, isSure: false });
  });

  it('is not misled by a machine that slows down meanwhile', () => {
    const slowing = (size: number, nowNs: number): number =>
      (size === 16 ? 46 : 50) * us * (1 + nowNs / 2e8);
    expect(outcome(new RateTrial(4, 16, crowd), slowing).winner).toBe(16);
  });

  it('does not count stretches in which nothing was to be done', () => {
    const level = (size: number): number => (size === 16 ? 46 : 50) * us;
    const pauses = (batch: number): number => (batch % 60 === 59 ? 1e9 : 0);
    expect(outcome(new RateTrial(4, 16, crowd), level, pauses).winner).toBe(16);
  });

  it('ends where requests come one by one', () => {
    const trial = new RateTrial(4, 16, crowd);
    const found = outcome(
      trial,
      () => 50 * us,
      () => 1e8,
    );
    expect(found).toMatchObject({ winner: 4 });
    expect(found.batches).toBeLessThan(100);
  });
});
