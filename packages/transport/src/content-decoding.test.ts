import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
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

test('checksums are not looked at', async () => {
  for (const whole of [gzipSync(noise), deflateSync(noise), gzipSync('small'), deflateSync('x')]) {
    const intact = await decoded(whole);
    whole.fill(0, whole.length - 4);
    expect(await decoded(whole)).toEqual(intact);
  }
});

test('of a broken body comes what was before', async () => {
  const random = randomBytes(500_000);
  const broken = gzipSync(random);
  broken.fill(0xff, 300_000, 300_100);
  broken.fill(0xff, 400_000);
  const part = await decoded(broken);
  expect(part!.subarray(0, 200_000).equals(random.subarray(0, 200_000))).toBe(true);
});

test('all parts of a gzip header are passed over', async () => {
  const flags = 0x02 | 0x04 | 0x08 | 0x10;
  const header = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3, 97, 0, 98, 99, 0, 9, 9];
  const whole = Buffer.concat([Buffer.from(header), deflateRawSync('text')]);
  expect((await decoded(whole))?.toString()).toBe('text');
  for (let length = 2; length < header.length; length++) {
    expect((await decoded(whole.subarray(0, length)))?.length).toBe(0);
  }
});

test('what is not compressed comes to little or nothing, and never fails', async () => {
  for (const text of ['', '{', '{"a": 1}', '\x1f\x8b', '\x1f\x8b\x08\0\0\0\0', '\x78\x9c']) {
    expect((await decoded(Buffer.from(text, 'latin1')))!.length).toBeLessThan(64);
  }
});

test('a bomb of 10 GiB is stopped at the limit, without holding up the event loop', async () => {
  // A MiB of zeros, flushed so that it can be repeated ten thousand times within one stream.
  const zeros = Buffer.alloc(1024 * 1024);
  const block = deflateRawSync(zeros, { finishFlush: constants.Z_FULL_FLUSH });
  const bomb = Buffer.concat([
    deflateSync('').subarray(0, 2),
    ...Array<Buffer>(10_240).fill(block),
    deflateRawSync(''),
  ]);
  expect((await decodeContent(bomb.subarray(0, 2 + 10 * block.length), 1e9))?.length).toBe(
    10 * zeros.length,
  );
  const before = process.memoryUsage().arrayBuffers;
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  expect(await decodeContent(bomb, 16 * 1024 * 1024)).toBeNull();
  clearInterval(timer);
  expect(turns).toBeGreaterThan(2);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
});
