import type { Tensor } from '@nereid/client';
import { UnsupportedModelError } from '../vision-error.ts';
import type { Candidate } from './candidate.ts';
import { endToEndCandidates } from './end-to-end-head.ts';
import { nonMaximumSuppression } from './non-maximum-suppression.ts';
import { rawCandidates } from './raw-head.ts';

/** How a model's answer is to be read; `auto` tells it by the shape. */
export type HeadStyle = 'auto' | 'end-to-end' | 'raw';

export interface HeadOptions {
  readonly style: HeadStyle;
  /** Candidates of a class that overlap by more are one object. For raw heads. */
  readonly iouThreshold: number;
  /** Detections in a picture at most. */
  readonly countMax: number;
}

/** One picture's part of an answer: `rows` times `columns` numbers, row by row. */
export interface PictureAnswer {
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** x1, y1, x2, y2, confidence, class. */
const endToEndColumns = 6;

/**
 * Reads the answer of a detector for a batch: [N, K, 6] of models that do everything themselves, or [N, 4 + classes, anchors]
 * (and its transpose) of those that leave the choice among overlapping rectangles to the caller.
 *
 * @returns For each picture the candidates of at least `confidenceMin`, the surest first.
 * @throws UnsupportedModelError for a shape of neither.
 */
export function candidatesOf(
  output: Tensor,
  confidenceMin: number,
  options: HeadOptions,
): Candidate[][] {
  const { shape } = output;
  const [count, rows, columns] = shape.length === 2 ? [1, ...shape] : shape;
  if (shape.length < 2 || shape.length > 3 || count === undefined || !rows || !columns) {
    throw unknownShape(shape);
  }
  const style = options.style === 'auto' ? styleOf(rows, columns) : options.style;
  if (style === null || (style === 'end-to-end' && columns !== endToEndColumns)) {
    throw unknownShape(shape);
  }
  const values = output.floats();
  return Array.from({ length: count }, (_, index) => {
    const start = index * rows * columns;
    const answer = { values: values.subarray(start, start + rows * columns), rows, columns };
    if (style === 'end-to-end') {
      return endToEndCandidates(answer, confidenceMin).slice(0, options.countMax);
    }
    const raw = rawCandidates(answer, confidenceMin);
    return nonMaximumSuppression(raw, options.iouThreshold, options.countMax);
  });
}

/** A raw head has at least one class: five values for each of its many anchors. */
function styleOf(rows: number, columns: number): 'end-to-end' | 'raw' | null {
  if (columns === endToEndColumns) return 'end-to-end';
  return Math.min(rows, columns) >= 5 ? 'raw' : null;
}

function unknownShape(shape: readonly number[]): UnsupportedModelError {
  return new UnsupportedModelError(
    `an output of shape [${shape}] is none of a detector: [N, K, 6] or [N, 4 + classes, anchors] is expected`,
  );
}
