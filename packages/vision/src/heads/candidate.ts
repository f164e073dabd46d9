/** A rectangle that a model proposes, by two corners in the pixels of its input. */
export interface Candidate {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly confidence: number;
  readonly classId: number;
}
