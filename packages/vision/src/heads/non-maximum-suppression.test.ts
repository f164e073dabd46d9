import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from './candidate.ts';
import { intersectionOverUnion, nonMaximumSuppression } from './non-maximum-suppression.ts';

const place = fc.integer({ min: 0, max: 60 });
const length = fc.integer({ min: 1, max: 40 });
const candidate: fc.Arbitrary<Candidate> = fc
  .record({
    x1: place,
    y1: place,
    width: length,
    height: length,
    confidence: fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100),
    classId: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ x1, y1, width, height, ...rest }) => ({
    ...rest,
    x1,
    y1,
    x2: x1 + width,
    y2: y1 + height,
  }));
const candidates = fc.array(candidate, { maxLength: 40 });
const threshold = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);

describe('intersectionOverUnion', () => {
  it('is symmetric, from 0 to 1, and 1 for the same rectangle', () => {
    fc.assert(
      fc.property(candidate, candidate, (a, b) => {
        const iou = intersectionOverUnion(a, b);
        expect(iou).toBe(intersectionOverUnion(b, a));
        expect(iou).toBeGreaterThanOrEqual(0);
        expect(iou).toBeLessThanOrEqual(1);
        expect(intersectionOverUnion(a, a)).toBe(1);
      }),
    );
  });
});

describe('nonMaximumSuppression', () => {
  it('keeps what does not overlap, drops only what a surer one of its class covers', () => {
    fc.assert(
      fc.property(candidates, threshold, (all, iouThreshold) => {
        const kept = nonMaximumSuppression(all, iouThreshold, all.length);
        const covers = (a: Candidate, b: Candidate): boolean =>
          a.classId === b.classId && intersectionOverUnion(a, b) > iouThreshold;
        for (const [i, one] of kept.entries()) {
          expect(all).toContain(one);
          expect(kept.slice(i + 1).some((other) => covers(one, other))).toBe(false);
        }
        for (const dropped of all.filter((each) => !kept.includes(each))) {
          const by = kept.filter((one) => covers(one, dropped));
          expect(by.some((one) => one.confidence >= dropped.confidence)).toBe(true);
        }
      }),
    );
  });

  it('gives the surest first, and is done when done', () => {
    fc.assert(
      fc.property(candidates, threshold, fc.nat(10), (all, iouThreshold, countMax) => {
        const kept = nonMaximumSuppression(all, iouThreshold, countMax);
        expect(kept.length).toBeLessThanOrEqual(countMax);
        const confidences = kept.map(({ confidence }) => confidence);
        expect(confidences).toEqual([...confidences].sort((a, b) => b - a));
        expect(nonMaximumSuppression(kept, iouThreshold, countMax)).toEqual(kept);
      }),
    );
  });
});
