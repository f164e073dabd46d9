import { createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeContent } from './content-decoding.ts';

const noise = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * i * 7919) >> 7));

async function decoded(bytes: Uint8Array, bytesMax = 1e6): Promise<Buffer | null> {
  const result = await decodeContent(bytes, bytesMax);
  return result === null ? null : Buffer.from(result);
}

describe.each([
  ['gzip', gzipSync],
  ['zlib', deflateSync],
  ['raw deflate', deflateRawSync],
])('%s', (_, encode) => {
  test.each([1, 100, 50_000])('%i bytes come back', async (byteLength) => {
    const body = noise.subarray(0, byteLength);
    expect((await decoded(encode(body)))?.equals(body)).toBe(true);
  });

  test('the limit is a limit, to the byte', async () => {
    const body = Buffer.alloc(200_000, 'x');
    expect((await decoded(encode(body), 200_000))?.length).toBe(200_000);
    expect(await decoded(encode(body), 199_999)).toBeNull();
    expect(await decoded(encode(Buffer.alloc(100)), 99)).toBeNull();
  });

  test('of a body that is cut short comes what there is', async () => {
    const whole = encode(noise);
    const part = await decoded(whole.subarray(0, whole.length >> 1));
    expect(part!.length).toBeGreaterThan(1_000);
    expect(part!.equals(noise.subarray(0, part!.length))).toBe(true);
  });
});

test('of a broken body comes what was whole', async () => {
  const broken = Buffer.from(gzipSync(noise));
  // Within the data: a block of a type that does not exist follows sooner or later, or a checksum.
  broken.fill(0xff, broken.length >> 1);
  const part = await decoded(broken);
  expect(part!.subarray(0, 10_000).equals(noise.subarray(0, 10_000))).toBe(true);
});

test('what is not compressed comes to little or nothing, and never fails', async () => {
  for (const text of ['', '{', '{"a": 1}', '\x1f\x8b', '\x1f\x8b\x08\0\0\0\0', '\x78\x9c']) {
    expect((await decoded(Buffer.from(text, 'latin1')))!.length).toBeLessThan(64);
  }
});

test('a bomb of 10 GiB is stopped at the limit, without holding up the event loop', async () => {
  // One MiB of zeros, ten thousand times: gzip members follow one another.
  const gzip = createGzip();
  const pieces: Buffer[] = [];
  gzip.on('data', (piece: Buffer) => pieces.push(piece));
  const ended = new Promise((resolve) => gzip.on('end', resolve));
  gzip.end(Buffer.alloc(1024 * 1024));
  await ended;
  const bomb = Buffer.concat(Array(10_240).fill(Buffer.concat(pieces)));
  const before = process.memoryUsage().arrayBuffers;
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  expect(await decodeContent(bomb, 16 * 1024 * 1024)).toBeNull();
  clearInterval(timer);
  expect(turns).toBeGreaterThan(2);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});
