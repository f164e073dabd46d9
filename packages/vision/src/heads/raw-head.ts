import type { Candidate } from './candidate.ts';
import type { PictureAnswer } from './detection-head.ts';

/** Before the choice among them, so that its cost is bounded. */
const candidatesMax = 30_000;

/** Middle and size. */
const boxValues = 4;

/** Reads middle x, middle y, width, height and a score for each class, of every anchor. */
export function rawCandidates(answer: PictureAnswer, confidenceMin: number): Candidate[] {
  const { values, rows, columns } = answer;
  // Anchors are many, classes few: the shorter side holds the values of an anchor.
  const anchorsAcross = columns >= rows;
  const anchors = anchorsAcross ? columns : rows;
  const valueStep = anchorsAcross ? columns : 1;
  const anchorStep = anchorsAcross ? 1 : columns;
  const classes = (anchorsAcross ? rows : columns) - boxValues;
  const candidates: Candidate[] = [];
  for (let anchor = 0; anchor < anchors; anchor++) {
    const at = anchor * anchorStep;
    let confidence = 0;
    let classId = -1;
    for (let i = 0; i < classes; i++) {
      const score = values[at + (boxValues + i) * valueStep] as number;
      if (score > confidence) {
        confidence = score;
        classId = i;
      }
    }
    if (classId < 0 || confidence < confidenceMin) continue;
    const x = values[at] as number;
    const y = values[at + valueStep] as number;
    const halfWidth = (values[at + 2 * valueStep] as number) / 2;
    const halfHeight = (values[at + 3 * valueStep] as number) / 2;
    candidates.push({
      x1: x - halfWidth,
      y1: y - halfHeight,
      x2: x + halfWidth,
      y2: y + halfHeight,
      confidence,
      classId,
    });
  }
  if (candidates.length <= candidatesMax) return candidates;
  return candidates.sort((a, b) => b.confidence - a.confidence).slice(0, candidatesMax);
}
