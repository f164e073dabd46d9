/** Red, green and blue from 0 to 255. */
type Colour = readonly [number, number, number];

/** A shape of one colour in a picture. */
export interface PictureShape {
  readonly colour: 'red' | 'green' | 'blue';
  readonly form: 'rectangle' | 'disc';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const colours: Readonly<Record<PictureShape['colour'], Colour>> = {
  red: [225, 35, 30],
  green: [30, 215, 45],
  blue: [35, 40, 230],
};

function covers({ form, x, y, width, height }: PictureShape, px: number, py: number): boolean {
  const across = (px + 0.5 - x) / width;
  const down = (py + 0.5 - y) / height;
  if (across < 0 || across > 1 || down < 0 || down > 1) return false;
  return form === 'rectangle' || (across - 0.5) ** 2 + (down - 0.5) ** 2 <= 0.25;
}

/** Draws shapes on a sandy ground that is a little uneven. Gives 3 bytes a pixel, row by row. */
export function shapePicture(
  width: number,
  height: number,
  shapes: readonly PictureShape[],
): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const shape = shapes.find((each) => covers(each, x, y));
      const grain = ((x * 7 + y * 13) % 11) - 5;
      const ground: Colour = [188 + grain, 180 + grain, 164 + grain];
      rgb.set(shape === undefined ? ground : colours[shape.colour], (y * width + x) * 3);
    }
  }
  return rgb;
}
