import type { BoundingBox, Detection } from '../detection.ts';

/**
 * How far two answers about a picture agree, from 0 to 1: twice the detections that have a counterpart of the same class which overlaps
 * by at least `iouMin`, of all detections of both (F1). Two answers without any agree.
 */
export function detectionAgreement(
  one: { readonly detections: readonly Pick<Detection, 'className' | 'box'>[] },
  other: { readonly detections: readonly Pick<Detection, 'className' | 'box'>[] },
  iouMin = 0.5,
): number {
  const all = one.detections.length + other.detections.length;
  if (all === 0) return 1;
  const pairs = one.detections.flatMap((a, i) =>
    other.detections.flatMap((b, j) => {
      const iou = a.className === b.className ? overlap(a.box, b.box) : 0;
      return iou >= iouMin && iou > 0 ? [{ i, j, iou }] : [];
    }),
  );
  const taken = new Set<number>();
  const takenOther = new Set<number>();
  for (const { i, j } of pairs.sort((a, b) => b.iou - a.iou)) {
    if (taken.has(i) || takenOther.has(j)) continue;
    taken.add(i);
    takenOther.add(j);
  }
  return (2 * taken.size) / all;
}

function overlap(a: BoundingBox, b: BoundingBox): number {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(across > 0 && down > 0)) return 0;
  const common = across * down;
  return common / (a.width * a.height + b.width * b.height - common);
}
