import type { Sharp, default as SharpConstructor } from 'sharp';
import { PictureError } from '../vision-error.ts';
import type { Size } from './letterbox.ts';

/** A picture as colours: red, green and blue of each pixel, row by row, 8 bits each. */
export interface DecodedPicture {
  /** The whole picture, its orientation applied. */
  readonly size: Size;
  /** What it was scaled to. */
  readonly scaled: Size;
  /** `scaled.width * scaled.height * 3` bytes. */
  readonly rgb: Uint8Array;
}

/** The pixels of a picture at most, before anything is unpacked: what 50 megapixels need fits in 150 MB. */
export const picturePixelsMaxDefault = 50_000_000;

type PictureFormat = 'jpeg' | 'png' | 'webp';

/** By its first bytes: other formats never reach the decoder, which knows many. */
function formatOf(bytes: Uint8Array): PictureFormat | null {
  const starts = (text: string, at = 0): boolean => {
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  };
  if (starts('\xff\xd8\xff')) return 'jpeg';
  if (starts('\x89PNG\r\n\x1a\n')) return 'png';
  return starts('RIFF') && starts('WEBP', 8) ? 'webp' : null;
}

/**
 * Decodes a PNG, JPEG or WebP: EXIF orientation applied, grey widened, 16 bits narrowed, alpha left out (the
 * colours below it stay, as in OpenCV and so in training), of an animation the first picture.
 *
 * @param fit Gives the size to scale to, from that of the picture.
 * @throws PictureError for what is no such picture, is damaged or cut off, or has more than `pixelsMax` pixels.
 */
export async function decodePicture(
  bytes: Uint8Array,
  fit: (size: Size) => Size,
  pixelsMax: number = picturePixelsMaxDefault,
): Promise<DecodedPicture> {
  if (bytes.byteLength === 0) throw new PictureError('the picture is empty');
  if (formatOf(bytes) === null) {
    throw new PictureError('the picture is neither a PNG nor a JPEG nor a WebP');
  }
  const { default: sharp } = await import('sharp');
  try {
    const opened = sharp(bytes, { limitInputPixels: pixelsMax, failOn: 'error' });
    const { autoOrient: size, hasAlpha } = await opened.metadata();
    if (size.width * size.height > pixelsMax) throw tooLarge(size, pixelsMax);
    const scaled = fit(size);
    // Scaling weighs colours by their alpha, and would lose those below none.
    const opaque = hasAlpha ? await withoutAlpha(opened.autoOrient(), sharp) : opened.autoOrient();
    const rgb = await opaque
      .resize({ ...scaled, fit: 'fill', kernel: 'linear' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { size, scaled, rgb: threeChannels(rgb.data, rgb.info.channels) };
  } catch (error) {
    if (error instanceof PictureError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new PictureError(`the picture cannot be decoded: ${reason}`, error);
  }
}

function tooLarge({ width, height }: Size, pixelsMax: number): PictureError {
  return new PictureError(
    `the picture has ${width} x ${height} pixels, and at most ${pixelsMax} are decoded`,
  );
}

async function withoutAlpha(picture: Sharp, sharp: typeof SharpConstructor): Promise<Sharp> {
  const { data, info } = await picture
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return sharp(data, { raw: { width, height, channels } });
}

/** A grey picture has one value a pixel. */
function threeChannels(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const rgb = new Uint8Array((data.byteLength / channels) * 3);
  for (let from = 0, to = 0; to < rgb.byteLength; from += channels, to += 3) {
    rgb.fill(data[from] as number, to, to + 3);
  }
  return rgb;
}
