import { describe, expect, it } from 'vitest';
import { BatchCosts } from './batch-costs.ts';

function learned(sizes: readonly number[], costNs: (size: number) => number): BatchCosts {
  const costs = new BatchCosts();
  for (const size of sizes) for (let run = 0; run < 4; run++) costs.learn(size, costNs(size));
  return costs;
}

describe('BatchCosts', () => {
  it('leaves the first run of a size out, and knows it after three more', () => {
    const costs = new BatchCosts();
    costs.learn(4, 9e9);
    for (let run = 0; run < 2; run++) costs.learn(4, 100);
    expect(costs.bestSize(8)).toBe(null);
    costs.learn(4, 100);
    expect([costs.usualNs(4), costs.bestSize(8)]).toEqual([100, 4]);
  });

  it('draws a line between sizes that it knows, and beyond them', () => {
    const costs = learned([2, 8], (size) => 100 + 10 * size);
    for (const size of [1, 2, 5, 8, 20]) expect(costs.usualNs(size)).toBeCloseTo(100 + 10 * size);
  });

  it('says nothing of what joining saves from one size alone', () => {
    const costs = learned([4], () => 100);
    expect(costs.usualNs(8)).toBe(200);
  });

  it('prefers the largest of sizes that are about as good', () => {
    expect(learned([1, 2, 4, 8], (size) => 10 * size).bestSize(8)).toBe(8);
    expect(learned([1, 2, 4, 8], (size) => 10 * size).bestSize(4)).toBe(4);
    expect(learned([4, 8, 16], (size) => (size <= 8 ? 100 : 1000)).bestSize(16)).toBe(8);
  });

  it('says which size is clearly cheaper in all of its moments, not only in the best', () => {
    const costs = learned([1, 2, 4], (size) => 100 * size);
    for (let run = 0; run < 16; run++) costs.learn(8, run % 4 === 0 ? 800 : 2000);
    expect([costs.usualNs(8), costs.bestSize(8)]).toEqual([800, 8]);
    expect(costs.clearlyCheaper(8, 8)).toBe(1);
    expect([costs.clearlyCheaper(4, 8), costs.clearlyCheaper(16, 8)]).toEqual([null, null]);
  });

  it('does not take stops of the machine for a cost', () => {
    const costs = learned([4], () => 100);
    for (let run = 0; run < 40; run++) costs.learn(4, run % 8 < 4 ? 1e9 : 100);
    expect(costs.usualNs(4)).toBe(100);
  });

  it('follows a model that has become slower, or faster', () => {
    const costs = learned([4], () => 100);
    for (let run = 0; run < 8; run++) costs.learn(4, 300);
    expect(costs.usualNs(4)).toBe(300);
    for (let run = 0; run < 2; run++) costs.learn(4, 100);
    expect(costs.usualNs(4)).toBe(100);
  });

  it('believes a size anew that it has not measured for long', () => {
    const costs = learned([4], () => 100);
    for (let run = 0; run < 100; run++) costs.learn(8, 50);
    costs.learn(4, 300);
    for (let run = 0; run < 100; run++) costs.learn(8, 50);
    costs.learn(4, 300);
    for (let run = 0; run < 100; run++) costs.learn(8, 50);
    costs.learn(4, 300);
    expect(costs.usualNs(4)).toBe(300);
  });
});
