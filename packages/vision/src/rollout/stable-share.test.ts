import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stableShare } from './stable-share.ts';

it.each([
  ['camera-1', 'detector', 13.58977616764605],
  ['', '', 28.190421988256276],
  ['Ä€😀', 's', 46.825065696612],
])('is what the Python package has: %s, %s', (key, salt, share) => {
  expect(stableShare(key, salt)).toBeCloseTo(share, 9);
});

it('lies from 0 to below 100', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (key, salt) => {
      const share = stableShare(key, salt);
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThan(100);
    }),
  );
});

it('spreads keys evenly, whatever the salt', () => {
  for (const salt of ['a', 'b', 'yolo26']) {
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const tenth = Math.floor(stableShare(`${i}`, salt) / 10);
      tenths[tenth] = (tenths[tenth] as number) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(850);
    expect(Math.max(...tenths)).toBeLessThan(1150);
  }
});
