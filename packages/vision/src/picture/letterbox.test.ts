import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxInPicture, letterboxOf } from './letterbox.ts';

const side = fc.integer({ min: 1, max: 8000 });
const size = fc.record({ width: side, height: side });
const inputSide = fc.constantFrom(32, 320, 416, 640, 1280);
const input = fc.record({ width: inputSide, height: inputSide });

describe('letterboxOf', () => {
  it('places a wide picture in the middle', () => {
    const placed = letterboxOf({ width: 1280, height: 720 }, { width: 640, height: 640 });
    expect(placed).toMatchObject({ scaled: { width: 640, height: 360 }, left: 0, top: 140 });
  });

  it('fits any picture into any input, in the middle and touching two edges', () => {
    fc.assert(
      fc.property(size, input, (picture, target) => {
        const { scaled, left, top } = letterboxOf(picture, target);
        expect(scaled.width).toBeGreaterThanOrEqual(1);
        expect(scaled.height).toBeGreaterThanOrEqual(1);
        const right = target.width - left - scaled.width;
        const bottom = target.height - top - scaled.height;
        expect([0, 1]).toContain(right - left);
        expect([0, 1]).toContain(bottom - top);
        expect(scaled.width === target.width || scaled.height === target.height).toBe(true);
      }),
    );
  });

  it('keeps proportions to half a pixel', () => {
    fc.assert(
      fc.property(size, input, (picture, target) => {
        const { scaled } = letterboxOf(picture, target);
        const scale = Math.min(target.width / picture.width, target.height / picture.height);
        for (const [now, before] of [
          [scaled.width, picture.width],
          [scaled.height, picture.height],
        ] as const) {
          expect(Math.abs(now - Math.max(1, before * scale))).toBeLessThanOrEqual(0.5 + 1e-9);
        }
      }),
    );
  });
});

describe('boxInPicture', () => {
  it('is the way back of the placing', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(size, input, share, share, share, share, (picture, target, a, b, c, d) => {
        const placed = letterboxOf(picture, target);
        const { scaled, left, top } = placed;
        const [x1, x2] = [Math.min(a, b), Math.max(a, b)];
        const [y1, y2] = [Math.min(c, d), Math.max(c, d)];
        fc.pre(x2 - x1 > 1e-6 && y2 - y1 > 1e-6);
        const box = boxInPicture(
          placed,
          left + x1 * scaled.width,
          top + y1 * scaled.height,
          left + x2 * scaled.width,
          top + y2 * scaled.height,
        );
        expect(box?.x).toBeCloseTo(x1 * picture.width, 5);
        expect(box?.y).toBeCloseTo(y1 * picture.height, 5);
        expect(box?.width).toBeCloseTo((x2 - x1) * picture.width, 5);
        expect(box?.height).toBeCloseTo((y2 - y1) * picture.height, 5);
      }),
    );
  });

  it('never leaves the picture, whatever a model says', () => {
    const any = fc.oneof(fc.double(), fc.double({ min: -2000, max: 2000, noNaN: true }));
    fc.assert(
      fc.property(size, input, any, any, any, any, (picture, target, x1, y1, x2, y2) => {
        const box = boxInPicture(letterboxOf(picture, target), x1, y1, x2, y2);
        if (box === null) return;
        expect(box.x).toBeGreaterThanOrEqual(0);
        expect(box.y).toBeGreaterThanOrEqual(0);
        expect(box.width).toBeGreaterThan(0);
        expect(box.height).toBeGreaterThan(0);
        expect(box.x + box.width).toBeLessThanOrEqual(picture.width * (1 + 1e-12));
        expect(box.y + box.height).toBeLessThanOrEqual(picture.height * (1 + 1e-12));
      }),
    );
  });

  it('has nothing for a box in the frame', () => {
    const placed = letterboxOf({ width: 200, height: 100 }, { width: 640, height: 640 });
    expect(boxInPicture(placed, 0, 0, 640, 150)).toBeNull();
    expect(boxInPicture(placed, 0, 150, 640, 170)).toEqual({
      x: 0,
      y: 0,
      width: 200,
      height: 3.125,
    });
  });
});
