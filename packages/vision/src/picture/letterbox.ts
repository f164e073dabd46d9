import type { BoundingBox } from '../detection.ts';

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How a picture lies in a model's input: scaled with its proportions, in the middle, the rest grey. */
export interface Letterbox {
  readonly picture: Size;
  readonly input: Size;
  /** The scaled picture. */
  readonly scaled: Size;
  /** Where its upper left corner lies. */
  readonly left: number;
  readonly top: number;
}

/** The grey around the picture that YOLO models are trained with, of 255. */
export const paddingLevel = 114;

/** Places a picture in a model's input. Small pictures grow. */
export function letterboxOf(picture: Size, input: Size): Letterbox {
  const scale = Math.min(input.width / picture.width, input.height / picture.height);
  const scaled = {
    width: clampSize(picture.width * scale, input.width),
    height: clampSize(picture.height * scale, input.height),
  };
  return {
    picture,
    input,
    scaled,
    left: Math.floor((input.width - scaled.width) / 2),
    top: Math.floor((input.height - scaled.height) / 2),
  };
}

/** A line of a very long picture keeps one pixel. */
function clampSize(size: number, max: number): number {
  return Math.min(max, Math.max(1, Math.round(size)));
}

/**
 * A rectangle of the model's input, by two corners, as one of the picture; cut off at the picture's edges. Null when
 * nothing of it lies within.
 */
export function boxInPicture(
  letterbox: Letterbox,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
): BoundingBox | null {
  const { picture, scaled, left, top } = letterbox;
  const across = picture.width / scaled.width;
  const down = picture.height / scaled.height;
  const x = clamp((x1 - left) * across, picture.width);
  const y = clamp((y1 - top) * down, picture.height);
  const width = clamp((x2 - left) * across, picture.width) - x;
  const height = clamp((y2 - top) * down, picture.height) - y;
  // Written so that NaN fails, too.
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

function clamp(value: number, max: number): number {
  return Math.min(max, Math.max(0, value));
}
