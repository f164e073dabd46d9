import type { Sharp } from 'sharp';

/** What a picture is kept as. */
export type PictureEncoding = 'jpeg' | 'png' | 'webp';

export interface EncodePictureOptions {
  /** How the picture is to be turned, as EXIF has it, from 1 to 8. */
  readonly orientation?: number;
  /** One value a pixel. */
  readonly grey?: boolean;
  /** With alpha: the left half transparent. */
  readonly alpha?: boolean;
  /** 16 bits for each value; PNG alone has them. */
  readonly sixteenBits?: boolean;
}

/** Encodes pixels, 3 bytes each. */
export async function encodePicture(
  rgb: Uint8Array,
  width: number,
  height: number,
  encoding: PictureEncoding,
  options: EncodePictureOptions = {},
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const { orientation, grey = false, alpha = false, sixteenBits = false } = options;
  let picture: Sharp = alpha
    ? sharp(halfTransparent(rgb, width), { raw: { width, height, channels: 4 } })
    : sharp(rgb, { raw: { width, height, channels: 3 } });
  if (grey) picture = picture.toColourspace(sixteenBits ? 'grey16' : 'b-w');
  else if (sixteenBits) picture = picture.toColourspace('rgb16');
  if (orientation !== undefined) picture = picture.withMetadata({ orientation });
  if (encoding === 'png') return picture.png().toBuffer();
  if (encoding === 'jpeg') return picture.jpeg({ quality: 90 }).toBuffer();
  return picture.webp(alpha ? { lossless: true, exact: true } : { quality: 90 }).toBuffer();
}

function halfTransparent(rgb: Uint8Array, width: number): Uint8Array {
  const rgba = new Uint8Array((rgb.byteLength / 3) * 4);
  for (let pixel = 0; pixel < rgb.byteLength / 3; pixel++) {
    rgba.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    rgba[pixel * 4 + 3] = pixel % width < width / 2 ? 0 : 255;
  }
  return rgba;
}
