import type { Candidate } from './candidate.ts';
import type { PictureAnswer } from './detection-head.ts';

/** Reads rows of x1, y1, x2, y2, confidence, class. The surest come first. */
export function endToEndCandidates(answer: PictureAnswer, confidenceMin: number): Candidate[] {
  const { values, rows, columns } = answer;
  const candidates: Candidate[] = [];
  for (let row = 0; row < rows; row++) {
    const at = row * columns;
    const confidence = values[at + 4] as number;
    // Rows without an object have a confidence of 0; NaN is none either.
    if (!(confidence > 0 && confidence >= confidenceMin)) continue;
    candidates.push({
      x1: values[at] as number,
      y1: values[at + 1] as number,
      x2: values[at + 2] as number,
      y2: values[at + 3] as number,
      confidence,
      classId: Math.round(values[at + 5] as number),
    });
  }
  return candidates.sort((a, b) => b.confidence - a.confidence);
}
