import type { CallOptions, InferenceClient, InferInputs, InferResult } from '@nereid/client';
import type { Detection, DetectionResult } from './detection.ts';
import type { DetectorModel } from './detector-model.ts';
import type { Candidate } from './heads/candidate.ts';
import { candidatesOf, type HeadOptions } from './heads/detection-head.ts';
import type { Labels } from './model-labels.ts';
import { InputTensor } from './picture/input-tensor.ts';
import { boxInPicture, type Letterbox, letterboxOf } from './picture/letterbox.ts';
import { decodePicture } from './picture/picture-decoder.ts';
import { PictureError, UnsupportedModelError } from './vision-error.ts';

export interface DetectorOptions extends HeadOptions {
  readonly picturePixelsMax: number;
}

/** Pictures as a model takes them, and where each lies in its part of the input. */
export interface DetectorInput {
  readonly inputs: InferInputs;
  readonly letterboxes: readonly Letterbox[];
}

/** Translates between pictures and the tensors of one model. */
export class Detector {
  readonly #model: DetectorModel;
  readonly #labels: Labels;
  readonly #options: DetectorOptions;

  constructor(model: DetectorModel, labels: Labels, options: DetectorOptions) {
    this.#model = model;
    this.#labels = labels;
    this.#options = options;
  }

  get name(): string {
    return this.#model.name;
  }

  /** Pictures in a request at most. */
  get batchMax(): number {
    return this.#model.batchMax;
  }

  /**
   * Decodes and places pictures.
   * @param firstNumber Position of the first among all pictures of the call, for errors; null when there is but one.
   * @throws PictureError
   */
  async inputOf(images: readonly Uint8Array[], firstNumber: number | null): Promise<DetectorInput> {
    const { format, inputName, batchFixed, batchMax } = this.#model;
    const pictures = new InputTensor(format, batchFixed ? batchMax : images.length);
    const letterboxes = await Promise.all(
      images.map(async (image, i) => {
        try {
          return await this.#place(image, pictures, i);
        } catch (error) {
          if (firstNumber === null || !(error instanceof PictureError)) throw error;
          throw new PictureError(`images[${firstNumber + i}]: ${error.message}`, error);
        }
      }),
    );
    return { inputs: { [inputName]: pictures.tensor() }, letterboxes };
  }

  async #place(image: Uint8Array, pictures: InputTensor, index: number): Promise<Letterbox> {
    const { format } = this.#model;
    const decoded = await decodePicture(
      image,
      (size) => letterboxOf(size, format).scaled,
      this.#options.picturePixelsMax,
    );
    const letterbox = letterboxOf(decoded.size, format);
    pictures.set(index, letterbox, decoded.rgb);
    return letterbox;
  }

  async send(
    client: InferenceClient,
    { inputs }: DetectorInput,
    call: CallOptions,
  ): Promise<InferResult> {
    return client.infer(this.#model.name, inputs, { outputs: [this.#model.outputName], ...call });
  }

  /**
   * @param timeMs How long the request took.
   * @throws UnsupportedModelError when the answer is none of a detector.
   */
  resultsOf(
    answer: InferResult,
    { letterboxes }: DetectorInput,
    confidenceMin: number,
    timeMs: number,
  ): DetectionResult[] {
    const output = answer.output(this.#model.outputName);
    const candidates = candidatesOf(output, confidenceMin, this.#options);
    if (candidates.length < letterboxes.length) {
      throw new UnsupportedModelError(
        `model '${this.#model.name}' answered ${letterboxes.length} pictures with an output of shape [${output.shape}]`,
      );
    }
    return letterboxes.map((letterbox, i) => ({
      detections: (candidates[i] as Candidate[]).flatMap((each) => this.#named(each, letterbox)),
      imageWidth: letterbox.picture.width,
      imageHeight: letterbox.picture.height,
      modelName: answer.modelName,
      modelVersion: answer.modelVersion,
      inferenceTimeMs: timeMs,
    }));
  }

  /** Nothing for a candidate beside the picture, in its frame. */
  #named(candidate: Candidate, letterbox: Letterbox): Detection[] {
    const { x1, y1, x2, y2, confidence, classId } = candidate;
    const box = boxInPicture(letterbox, x1, y1, x2, y2);
    const className = this.#labels[classId] ?? `class_${classId}`;
    return box === null ? [] : [{ className, classId, confidence, box }];
  }
}
