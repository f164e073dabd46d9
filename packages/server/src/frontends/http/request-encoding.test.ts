import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompressBody } from './request-encoding.ts';

const text = Buffer.from('0123456789'.repeat(10_000));

describe('decompressBody', () => {
  it('tells gzip from zlib by itself', async () => {
    expect(await decompressBody(gzipSync(text), text.length)).toEqual(text);
    expect(await decompressBody(deflateSync(text), text.length)).toEqual(text);
  });

  it('stops at the limit, however far a bomb would go', async () => {
    await expect(decompressBody(gzipSync(text), text.length - 1)).rejects.toThrow(
      'Decompressed data size exceeds the maximum allowed value of 99999 bytes.',
    );
    const bomb = gzipSync(Buffer.alloc(200_000_000));
    const before = process.memoryUsage().arrayBuffers;
    await expect(decompressBody(bomb, 1_000_000)).rejects.toThrow('exceeds');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  it('takes what there is of a body that is cut short, and nothing of what is none', async () => {
    const random = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251));
    const cut = await decompressBody(gzipSync(random).subarray(0, -20), 10_000);
    expect(cut.length).toBeGreaterThan(0);
    expect(Buffer.compare(cut, random.subarray(0, cut.length))).toBe(0);
    expect(await decompressBody(Buffer.from('{"inputs":[]}'), 100)).toHaveLength(0);
    await expect(decompressBody(Buffer.alloc(0), 100)).rejects.toThrow(
      'nothing to be decompressed',
    );
  });
});
