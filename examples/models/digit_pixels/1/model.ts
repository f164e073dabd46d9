import type { InferenceRequest, InferenceResponse, Model } from '@nereid/model';
import { averaged, greyPixels } from './png.ts';

const side = 8;
/** `digits` was trained on ink from 0 to 16. */
const ink = 16 / 255;

export default class DigitPixels implements Model {
  execute(requests: readonly InferenceRequest[]): InferenceResponse[] {
    return requests.map((request) => {
      const pictures = request.input('picture', 'BYTES').data;
      const data = new Float32Array(pictures.length * side * side);
      pictures.forEach((picture, index) => {
        const grey = averaged(greyPixels(fileBytes(picture)), side);
        data.set(inkOf(grey), index * side * side);
      });
      return { outputs: [{ name: 'image', shape: [pictures.length, 1, side, side], data }] };
    });
  }
}

/** PNG files begin with a byte that is no letter; base64 is letters. */
function fileBytes(given: Uint8Array): Uint8Array {
  return given[0] === 0x89 ? given : Buffer.from(Buffer.from(given).toString('latin1'), 'base64');
}

/** Ink is what differs from the paper, whichever of them is the darker one. */
function inkOf(grey: Float32Array): Float32Array {
  const edge = grey.filter((_, index) => {
    const [x, y] = [index % side, Math.floor(index / side)];
    return x === 0 || y === 0 || x === side - 1 || y === side - 1;
  });
  const paper = edge.reduce((sum, value) => sum + value, 0) / edge.length;
  return grey.map((value) => (paper > 127 ? 255 - value : value) * ink);
}
