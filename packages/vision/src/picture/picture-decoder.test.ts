import { encodePicture, type PictureEncoding } from '@nereid/test-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PictureError } from '../vision-error.ts';
import type { Size } from './letterbox.ts';
import { decodePicture } from './picture-decoder.ts';

const encodings: readonly PictureEncoding[] = ['jpeg', 'png', 'webp'];
const same = (size: Size): Size => size;

/** Red above, blue below, a white corner at the upper left. */
function flag(width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const corner = x < width / 4 && y < height / 4;
      const colour = corner ? [255, 255, 255] : y < height / 2 ? [220, 30, 30] : [30, 30, 220];
      rgb.set(colour, (y * width + x) * 3);
    }
  }
  return rgb;
}

/** The colour in the middle of each quarter. */
function quarters(rgb: Uint8Array, { width, height }: Size): string[] {
  const names: string[] = [];
  for (const y of [height >> 3, height - (height >> 3)]) {
    for (const x of [width >> 3, width - (width >> 3)]) {
      const [r = 0, g = 0, b = 0] = rgb.subarray((y * width + x) * 3);
      names.push(g > 200 ? 'white' : r > 180 ? 'red' : b > 180 ? 'blue' : `${r},${g},${b}`);
    }
  }
  return names;
}

describe('decodePicture', () => {
  it.each(encodings)('decodes a %s', async (encoding) => {
    const bytes = await encodePicture(flag(64, 32), 64, 32, encoding);
    const { size, scaled, rgb } = await decodePicture(bytes, same);
    expect([size, scaled, rgb.byteLength]).toEqual([
      { width: 64, height: 32 },
      { width: 64, height: 32 },
      64 * 32 * 3,
    ]);
    expect(quarters(rgb, size)).toEqual(['white', 'red', 'blue', 'blue']);
  });

  it('scales to the size that it is asked for', async () => {
    const bytes = await encodePicture(flag(64, 32), 64, 32, 'png');
    const fit = ({ width, height }: Size): Size => ({ width: width / 2, height: height / 2 });
    const { scaled, rgb } = await decodePicture(bytes, fit);
    expect(rgb.byteLength).toBe(32 * 16 * 3);
    expect(quarters(rgb, scaled)).toEqual(['white', 'red', 'blue', 'blue']);
  });

  it.each([
    [3, ['blue', 'blue', 'red', 'white'], [64, 32]],
    [6, ['blue', 'white', 'blue', 'red'], [32, 64]],
    [8, ['red', 'blue', 'white', 'blue'], [32, 64]],
  ])('turns a picture with EXIF orientation %i', async (orientation, expected, [width, height]) => {
    for (const encoding of encodings) {
      const bytes = await encodePicture(flag(64, 32), 64, 32, encoding, { orientation });
      const { size, rgb } = await decodePicture(bytes, same);
      expect(size).toEqual({ width, height });
      expect(quarters(rgb, size), encoding).toEqual(expected);
    }
  });

  it.each(encodings)('widens a grey %s', async (encoding) => {
    const bytes = await encodePicture(flag(64, 32), 64, 32, encoding, { grey: true });
    const { rgb } = await decodePicture(bytes, same);
    expect(rgb.byteLength).toBe(64 * 32 * 3);
    for (let i = 0; i < rgb.byteLength; i += 3) {
      expect(Math.abs((rgb[i] as number) - (rgb[i + 2] as number))).toBeLessThan(6);
    }
    expect(rgb[0]).toBeGreaterThan(250);
    expect(rgb.at(-1)).toBeLessThan(120);
  });

  it.each([false, true])('narrows 16 bits, grey: %s', async (grey) => {
    const eight = await encodePicture(flag(64, 32), 64, 32, 'png', { grey });
    const sixteen = await encodePicture(flag(64, 32), 64, 32, 'png', { grey, sixteenBits: true });
    // The byte of a PNG that tells its depth.
    expect([eight[24], sixteen[24]]).toEqual([8, 16]);
    const [one, other] = [await decodePicture(eight, same), await decodePicture(sixteen, same)];
    expect(other.rgb.byteLength).toBe(one.rgb.byteLength);
    const differences = one.rgb.map((value, i) => Math.abs(value - (other.rgb[i] as number)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(2);
  });

  it.each(['png', 'webp'] as const)('keeps the colours below alpha, %s', async (encoding) => {
    const bytes = await encodePicture(flag(64, 32), 64, 32, encoding, { alpha: true });
    const { rgb, scaled } = await decodePicture(bytes, () => ({ width: 32, height: 16 }));
    const found = quarters(rgb, scaled);
    expect(found.slice(1)).toEqual(['red', 'blue', 'blue']);
  });

  it('refuses more pixels than allowed, before they are unpacked', async () => {
    const rgb = new Uint8Array(300 * 200 * 3);
    for (const encoding of encodings) {
      const bytes = await encodePicture(rgb, 300, 200, encoding);
      await expect(decodePicture(bytes, same, 59_999)).rejects.toThrow(PictureError);
      expect((await decodePicture(bytes, same, 60_000)).size.width).toBe(300);
    }
  });

  it('refuses a bomb: a PNG that says it is huge', async () => {
    const small = await encodePicture(flag(64, 32), 64, 32, 'png');
    const bomb = Buffer.from(small);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    await expect(decodePicture(bomb, same)).rejects.toThrow(PictureError);
  });

  it.each([
    ['nothing', new Uint8Array(), 'the picture is empty'],
    [
      'text',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'neither a PNG nor a JPEG nor',
    ],
    ['a GIF', Buffer.from('GIF89a\x01\0\x01\0'), 'neither a PNG nor a JPEG nor a WebP'],
    ['a mere start', Buffer.from('\xff\xd8\xff\xe0', 'latin1'), 'the picture cannot be decoded'],
  ])('refuses %s', async (_, bytes, reason) => {
    await expect(decodePicture(bytes, same)).rejects.toThrow(PictureError);
    await expect(decodePicture(bytes, same)).rejects.toThrow(reason);
  });

  it.each(encodings)('refuses a %s that was cut off', async (encoding) => {
    const bytes = await encodePicture(flag(256, 256), 256, 256, encoding);
    const cut = bytes.subarray(0, bytes.byteLength / 2);
    await expect(decodePicture(cut, same)).rejects.toThrow(PictureError);
  });

  it('answers damaged pictures with its own error or a whole picture', async () => {
    const good = await Promise.all(
      encodings.map((each) => encodePicture(flag(32, 32), 32, 32, each)),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(255), async (which, at, value) => {
        const bytes = Uint8Array.from(good[which] as Uint8Array);
        bytes[at % bytes.length] = value;
        const decoded = await decodePicture(bytes, same, 1_000_000).catch((error) => error);
        if (decoded instanceof PictureError) return;
        expect(decoded.rgb.byteLength).toBe(decoded.scaled.width * decoded.scaled.height * 3);
      }),
      { numRuns: 60 },
    );
  });
});
