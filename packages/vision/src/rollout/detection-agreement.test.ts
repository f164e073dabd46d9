import fc from 'fast-check';
import { expect, it } from 'vitest';
import { detectionAgreement } from './detection-agreement.ts';

const cat = { className: 'cat', box: { x: 0, y: 0, width: 10, height: 10 } };
const nearCat = { className: 'cat', box: { x: 1, y: 0, width: 10, height: 10 } };
const dog = { className: 'dog', box: { x: 0, y: 0, width: 10, height: 10 } };
const farCat = { className: 'cat', box: { x: 50, y: 0, width: 10, height: 10 } };

it.each([
  [[], [], 1],
  [[cat], [], 0],
  [[cat], [nearCat], 1],
  [[cat], [dog], 0],
  [[cat], [farCat], 0],
  [[cat, dog], [nearCat], 2 / 3],
  // One counterpart is not counted twice.
  [[cat, cat], [cat], 2 / 3],
])('%j and %j agree to %d', (one, other, agreement) => {
  expect(detectionAgreement({ detections: one }, { detections: other })).toBeCloseTo(agreement);
});

it('is symmetric, from 0 to 1, and 1 for the same', () => {
  const place = fc.integer({ min: 0, max: 20 });
  const side = fc.integer({ min: 1, max: 20 });
  const box = fc.record({ x: place, y: place, width: side, height: side });
  const detection = fc.record({ className: fc.constantFrom('cat', 'dog'), box });
  const result = fc.record({ detections: fc.array(detection, { maxLength: 6 }) });
  fc.assert(
    fc.property(result, result, (one, other) => {
      const agreement = detectionAgreement(one, other);
      expect(agreement).toBeGreaterThanOrEqual(0);
      expect(agreement).toBeLessThanOrEqual(1);
      expect(detectionAgreement(one, one)).toBe(1);
    }),
  );
});
