import { TritonError } from '../triton-error.ts';

/**
 * The shape of an input whose data come as a plain list: sizes that the model fixes stay, the innermost
 * that varies takes what is left, the others become 1.
 *
 * @param modelShape with the batch dimension, -1 where the size varies.
 * @throws TritonError INVALID_ARG where the elements do not fill such a shape.
 */
export function generateShape(
  name: string,
  modelShape: readonly number[],
  elementCount: number,
): number[] {
  const fixed = modelShape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  let left = elementCount / fixed;
  const shape = [...modelShape];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== -1) continue;
    shape[axis] = left;
    left = 1;
  }
  // What is left is a whole number only where each of the fixed sizes divides what is left by the others.
  if (left !== 1 || !shape.every(Number.isSafeInteger)) {
    throw new TritonError(
      'INVALID_ARG',
      `The schema can not convert input '${name}' to tensor with proper shape`,
    );
  }
  return shape;
}
