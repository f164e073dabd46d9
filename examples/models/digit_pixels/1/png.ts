import { inflateSync } from 'node:zlib';
import { TritonError } from '@nereid/model';

export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** Row by row, 0 to 255. */
  readonly pixels: Uint8Array;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const pixelsMax = 16 * 1024 * 1024;
/** Bytes of a pixel by the colour type of the header: grey, RGB, palette, grey and alpha, RGBA. */
const pixelBytes = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/**
 * Reads a PNG file of 8 bits a channel that is not interlaced; transparency is left out.
 * @throws TritonError INVALID_ARG for anything else
 */
export function greyPixels(file: Uint8Array): GreyPicture {
  if (!signature.every((byte, index) => file[index] === byte)) throw wrong('it is no PNG file');
  const { header, palette, packed } = chunksOf(file);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.byteLength !== 13) throw wrong('it has no header');
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlaced] = header.subarray(8);
  const bytes = pixelBytes.get(colour ?? -1);
  if (depth !== 8 || interlaced !== 0 || bytes === undefined) {
    throw wrong('only pictures of 8 bits a channel that are not interlaced can be read');
  }
  if (width === 0 || height === 0 || width * height > pixelsMax) {
    throw wrong(`it has ${width} x ${height} pixels`);
  }
  const rows = unfiltered(inflated(packed, (width * bytes + 1) * height), width * bytes, height, bytes);
  const pixels = new Uint8Array(width * height);
  for (let index = 0; index < pixels.length; index++) {
    const at = index * bytes;
    if (colour === 3) pixels[index] = luma(palette, (rows[at] ?? 0) * 3);
    else pixels[index] = bytes < 3 ? (rows[at] ?? 0) : luma(rows, at);
  }
  return { width, height, pixels };
}

/** The picture in `side` x `side` squares, each the mean of the pixels that lie in it. */
export function averaged({ width, height, pixels }: GreyPicture, side: number): Float32Array {
  const squares = new Float32Array(side * side);
  for (let index = 0; index < squares.length; index++) {
    const [column, row] = [index % side, Math.floor(index / side)];
    const [left, right] = span(column, width, side);
    const [top, bottom] = span(row, height, side);
    let sum = 0;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) sum += pixels[y * width + x] ?? 0;
    }
    squares[index] = sum / ((right - left) * (bottom - top));
  }
  return squares;
}

/** Which of `size` pixels lie in one of `side` parts: at least one. */
function span(part: number, size: number, side: number): [number, number] {
  const start = Math.min(size - 1, Math.floor((part * size) / side));
  return [start, Math.max(start + 1, Math.floor(((part + 1) * size) / side))];
}

function chunksOf(file: Uint8Array): { header: Uint8Array; palette: Uint8Array; packed: Buffer } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let header = new Uint8Array(0);
  let palette = new Uint8Array(0);
  const packed: Uint8Array[] = [];
  for (let at = signature.length; at + 12 <= file.byteLength; ) {
    const content = file.subarray(at + 8, at + 8 + view.getUint32(at));
    const kind = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (kind === 'IHDR') header = new Uint8Array(content);
    else if (kind === 'PLTE') palette = new Uint8Array(content);
    else if (kind === 'IDAT') packed.push(content);
    at += 12 + content.byteLength;
  }
  return { header, palette, packed: Buffer.concat(packed) };
}

function inflated(packed: Uint8Array, byteCount: number): Uint8Array {
  try {
    const rows = inflateSync(packed, { maxOutputLength: byteCount });
    if (rows.byteLength === byteCount) return rows;
  } catch {
    // Whatever zlib says, the picture is not what its header promises.
  }
  throw wrong('its pixels are damaged');
}

/** Each row was written as what differs from its neighbours, in the way that its first byte names. */
function unfiltered(rows: Uint8Array, rowBytes: number, height: number, bytes: number): Uint8Array {
  const out = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (rowBytes + 1)];
    for (let x = 0; x < rowBytes; x++) {
      const at = y * rowBytes + x;
      const left = x < bytes ? 0 : (out[at - bytes] ?? 0);
      const above = y === 0 ? 0 : (out[at - rowBytes] ?? 0);
      const corner = x < bytes || y === 0 ? 0 : (out[at - rowBytes - bytes] ?? 0);
      out[at] = (rows[y * (rowBytes + 1) + 1 + x] ?? 0) + guess(filter, left, above, corner);
    }
  }
  return out;
}

function guess(filter: number | undefined, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) throw wrong(`it has a row with filter ${filter}`);
  const [a, b, c] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
  if ((a ?? 0) <= (b ?? 0) && (a ?? 0) <= (c ?? 0)) return left;
  return (b ?? 0) <= (c ?? 0) ? above : corner;
}

function luma(colours: Uint8Array, at: number): number {
  const [red = 0, green = 0, blue = 0] = colours.subarray(at, at + 3);
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

function wrong(what: string): TritonError {
  return new TritonError('INVALID_ARG', `the picture cannot be read: ${what}`);
}
