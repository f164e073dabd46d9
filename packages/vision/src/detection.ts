/** A rectangle in the pixels of a picture, from its upper left corner. */
export interface BoundingBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One object that was found. */
export interface Detection {
  /** The model's own name of the class; `class_7` where it has none. */
  readonly className: string;
  readonly classId: number;
  /** From 0 to 1. */
  readonly confidence: number;
  /** Within the picture as it is looked at, its orientation applied. */
  readonly box: BoundingBox;
}

/** What was found in one picture. */
export interface DetectionResult {
  /** The surest first. */
  readonly detections: readonly Detection[];
  /** Pixels, orientation applied. */
  readonly imageWidth: number;
  readonly imageHeight: number;
  readonly modelName: string;
  readonly modelVersion: string;
  /** From sending to the answer, retries included; for the whole request of a batch. */
  readonly inferenceTimeMs: number;
}
