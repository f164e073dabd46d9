import type { Candidate } from './candidate.ts';

/** What two rectangles have in common, as a part of what they cover together: from 0 to 1. */
export function intersectionOverUnion(a: Candidate, b: Candidate): number {
  const width = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const height = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  if (!(width > 0 && height > 0)) return 0;
  const common = width * height;
  return common / (area(a) + area(b) - common);
}

function area({ x1, y1, x2, y2 }: Candidate): number {
  return (x2 - x1) * (y2 - y1);
}

/**
 * Keeps the surest of those candidates of a class that overlap by more than `iouThreshold`.
 * @returns At most `countMax`, the surest first; equal ones in the order in which they came.
 */
export function nonMaximumSuppression(
  candidates: readonly Candidate[],
  iouThreshold: number,
  countMax: number,
): Candidate[] {
  const kept: Candidate[] = [];
  const keptByClass = new Map<number, Candidate[]>();
  for (const candidate of [...candidates].sort((a, b) => b.confidence - a.confidence)) {
    if (kept.length === countMax) break;
    const rivals = keptByClass.get(candidate.classId);
    if (rivals?.some((rival) => intersectionOverUnion(rival, candidate) > iouThreshold)) continue;
    kept.push(candidate);
    if (rivals === undefined) keptByClass.set(candidate.classId, [candidate]);
    else rivals.push(candidate);
  }
  return kept;
}
