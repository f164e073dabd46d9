import { describe, expect, it } from 'vitest';
import { SizeTrial } from './size-trial.ts';

/** Runs whatever size has its turn until there is a winner. */
function outcome(
  trial: SizeTrial,
  costNs: (size: number, run: number) => number,
  sizeOf: (aim: number) => number = (aim) => aim,
): { readonly winner: number; readonly runs: number } {
  for (let run = 0; run < 1000; run++) {
    const size = sizeOf(trial.size);
    trial.learn({ size, startNs: 0, endNs: costNs(size, run), instances: 1, inline: false });
    const { winner } = trial;
    if (winner !== null) return { winner, runs: run + 1 };
  }
  throw new Error('the trial does not end');
}

const ms = 1e6;
const saving = (size: number): number => ms + 0.01 * ms * size;
const leaping = (size: number): number => (size > 4 ? 100 * ms * size : ms * size);
const level = (size: number): number => ms * size;

/** Bursts of ten runs in which everything takes eight times as long, and a stop now and then. */
const disturbed =
  (costNs: (size: number) => number) =>
  (size: number, run: number): number =>
    costNs(size) * (run % 30 < 10 ? 8 : 1) * (run % 17 === 3 ? 5 : 1);

describe('SizeTrial', () => {
  it.each([
    ['a larger size that is better', 4, 8, saving, 8],
    ['a larger size that is worse', 4, 8, leaping, 4],
    ['a smaller size that is worse', 8, 4, saving, 8],
    ['a smaller size that is better', 8, 4, leaping, 4],
    ['a larger size that is as good', 4, 8, level, 8],
    ['a smaller size that is as good', 8, 4, level, 8],
  ] as const)('finds out about %s, undisturbed and not', (_, present, candidate, cost, winner) => {
    const quick = outcome(new SizeTrial(present, candidate, false), cost);
    expect(quick.winner).toBe(winner);
    expect(quick.runs).toBeLessThanOrEqual(16);
    expect(outcome(new SizeTrial(present, candidate, false), disturbed(cost)).winner).toBe(winner);
  });

  it('takes a trusted size after three runs of each, unless it is worse', () => {
    const noisy = (size: number, run: number): number => ms * size * (1 + 0.5 * (run % 3));
    expect(outcome(new SizeTrial(4, 8, true), noisy)).toEqual({ winner: 8, runs: 6 });
    expect(outcome(new SizeTrial(4, 8, true), leaping)).toEqual({ winner: 4, runs: 6 });
  });

  it('keeps to the larger of sizes whose runs cost next to nothing beside the turns they take', () => {
    const quick = (size: number): number => 0.025 * ms * size * (size === 4 ? 0.96 : 1);
    expect(outcome(new SizeTrial(8, 4, false), quick).winner).toBe(8);
    expect(outcome(new SizeTrial(8, 4, false), (size) => 100 * quick(size)).winner).toBe(8);
    expect(outcome(new SizeTrial(8, 4, false), (size) => (size === 4 ? ms : 3 * ms)).winner).toBe(
      4,
    );
  });

  it('takes a smaller size that is somewhat better after many runs', () => {
    // Runs of the larger one differ by so much that little can be said of them.
    const scattered = (size: number, run: number): number =>
      ms * size * (size === 4 ? 1 : run % 4 < 2 ? 0.5 : 2.1);
    const found = outcome(new SizeTrial(8, 4, false), scattered);
    expect(found.winner).toBe(4);
    expect(found.runs).toBeGreaterThan(16);
  });

  it('ends when so many requests do not come at a time', () => {
    const { winner, runs } = outcome(new SizeTrial(4, 8, true), saving, (aim) => Math.min(aim, 4));
    expect([winner, runs]).toEqual([4, 9]);
  });

  it('leaves a size that seldom comes about for a smaller one that is better', () => {
    let run = 0;
    const seldom = (aim: number): number => (aim === 8 && ++run % 4 !== 0 ? 4 : aim);
    expect(outcome(new SizeTrial(8, 4, false), leaping, seldom).winner).toBe(4);
    expect(outcome(new SizeTrial(8, 4, false), saving, seldom).winner).toBe(8);
  });

  it('ends where nothing can be told', () => {
    const random = (_: number, run: number): number => ms * (1 + ((run * 7919) % 101));
    expect(outcome(new SizeTrial(8, 4, false), random).winner).toBe(8);
  });
});
