import { type Tensor, tensor } from '@nereid/client';
import { type Letterbox, paddingLevel } from './letterbox.ts';

export type PictureDataType = 'FP32' | 'FP16' | 'UINT8';

/** Where the colours of a pixel lie: in planes of their own, or side by side. */
export type PictureLayout = 'NCHW' | 'NHWC';

export interface InputFormat {
  readonly datatype: PictureDataType;
  readonly layout: PictureLayout;
  readonly width: number;
  readonly height: number;
}

/** FP16 is sent as the bits of one of 256 values: it is never computed for a pixel. */
function levels(datatype: PictureDataType): ArrayLike<number> {
  if (datatype === 'UINT8') return Uint8Array.from({ length: 256 }, (_, level) => level);
  const scaled = Float32Array.from({ length: 256 }, (_, level) => level / 255);
  if (datatype === 'FP32') return scaled;
  return tensor('FP16', [256], scaled).data;
}

const levelsOf: Readonly<Record<PictureDataType, ArrayLike<number>>> = {
  FP32: levels('FP32'),
  FP16: levels('FP16'),
  UINT8: levels('UINT8'),
};

/** Gathers pictures of one batch into the tensor that a model takes. */
export class InputTensor {
  readonly #format: InputFormat;
  readonly #count: number;
  readonly #data: Float32Array | Uint16Array | Uint8Array;

  /** @param count The pictures of the batch; one that is never set is grey. */
  constructor(format: InputFormat, count: number) {
    const { datatype, width, height } = format;
    const ArrayOf = { FP32: Float32Array, FP16: Uint16Array, UINT8: Uint8Array }[datatype];
    this.#format = format;
    this.#count = count;
    this.#data = new ArrayOf(count * 3 * width * height);
    this.#data.fill(levelsOf[datatype][paddingLevel] as number);
  }

  /** Puts a picture to its place. @param rgb The pixels of the scaled picture. */
  set(index: number, letterbox: Letterbox, rgb: Uint8Array): void {
    const { datatype, layout, width, height } = this.#format;
    const { scaled, left, top } = letterbox;
    const values = levelsOf[datatype];
    const planar = layout === 'NCHW';
    const pixelStep = planar ? 1 : 3;
    const colourStep = planar ? width * height : 1;
    const start = index * 3 * width * height;
    const data = this.#data;
    let from = 0;
    for (let y = 0; y < scaled.height; y++) {
      let to = start + ((top + y) * width + left) * pixelStep;
      for (let x = 0; x < scaled.width; x++, to += pixelStep, from += 3) {
        data[to] = values[rgb[from] as number] as number;
        data[to + colourStep] = values[rgb[from + 1] as number] as number;
        data[to + 2 * colourStep] = values[rgb[from + 2] as number] as number;
      }
    }
  }

  /** The tensor: [count, 3, height, width] or [count, height, width, 3]. */
  tensor(): Tensor {
    const { datatype, layout, width, height } = this.#format;
    const shape =
      layout === 'NCHW' ? [this.#count, 3, height, width] : [this.#count, height, width, 3];
    return tensor(datatype, shape, this.#data as Float32Array);
  }
}
