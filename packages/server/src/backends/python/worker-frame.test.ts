import { describe, expect, it, vi } from 'vitest';
import {
  encodeFrame,
  encodeSharedFrame,
  FrameReader,
  headBytes,
  type SharedPayload,
  writeNumbersHead,
} from './worker-frame.ts';

function bytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => index % 251);
}

function read(stream: Buffer, step: number): [string, Uint8Array | SharedPayload][] {
  const frames: [string, Uint8Array | SharedPayload][] = [];
  const reader = new FrameReader({
    text: (text, payload) => frames.push([text, payload]),
    numbers: (numbers, payload) => frames.push([`numbers ${numbers.toString('latin1')}`, payload]),
  });
  for (let at = 0; at < stream.length; at += step) reader.push(stream.subarray(at, at + step));
  return frames;
}

describe('frames', () => {
  it.each([1, 7, 63, 64, 65, 4096, 1_000_000])('survive any cut (every %i bytes)', (step) => {
    const sizes = [[], [0], [1, 64, 65], [70_000, 3], [200_000]];
    const frames = sizes.map((list, index) => ({
      text: `{"é":${index}}`,
      tensors: list.map(bytes),
    }));
    const stream = Buffer.concat(frames.flatMap(({ text, tensors }) => encodeFrame(text, tensors)));
    const got = read(stream, step);
    expect(got.map(([text]) => text)).toEqual(frames.map(({ text }) => text));
    got.forEach(([, payload], index) => {
      let offset = 0;
      for (const tensor of frames[index]?.tensors ?? []) {
        const part = (payload as Uint8Array).subarray(offset, offset + tensor.byteLength);
        expect(Buffer.compare(part, tensor)).toBe(0);
        offset += Math.ceil(tensor.byteLength / 64) * 64;
      }
      expect((payload as Uint8Array).byteLength).toBe(offset);
    });
  });

  it('are not copied with each of their pieces', () => {
    const text = `"${'x'.repeat(1_000_000)}"`;
    const stream = Buffer.concat([...encodeFrame(text, [])]);
    const join = vi.spyOn(Buffer, 'concat');
    expect(read(stream, 1000)).toEqual([[text, new Uint8Array(0)]]);
    expect(join.mock.calls.length).toBeLessThanOrEqual(2);
    join.mockRestore();
  });

  it('may say that their payload lies in shared memory', () => {
    const stream = Buffer.concat([
      encodeSharedFrame('{"a":1}', 70_000, 2 ** 33),
      ...encodeFrame('{}', []),
    ]);
    expect(read(stream, 5)).toEqual([
      ['{"a":1}', { granted: false, offset: 2 ** 33, byteCount: 70_000 }],
      ['{}', new Uint8Array(0)],
    ]);
    stream.writeUInt32LE(2, 4);
    expect(read(stream, 5)[0]?.[1]).toMatchObject({ granted: true });
  });

  it.each([1, 17, 4096])('may have numbers for a text (every %i bytes)', (step) => {
    const frame = (numbers: string, payload: Uint8Array): Buffer => {
      const head = Buffer.alloc(headBytes);
      writeNumbersHead(head, numbers.length, payload.length);
      return Buffer.concat([head, Buffer.from(numbers), payload]);
    };
    const stream = Buffer.concat([
      frame('12345', bytes(128)),
      ...encodeFrame('{}', [bytes(64)]),
      frame('6', bytes(0)),
    ]);
    expect(read(stream, step)).toEqual([
      ['numbers 12345', Buffer.from(bytes(128))],
      ['{}', Buffer.from(bytes(64))],
      ['numbers 6', Buffer.alloc(0)],
    ]);
  });

  it.each([
    ['a text of 4 GiB', 0, 0xffff_ffff],
    ['a place that is none', 4, 3],
    ['a payload of 16 EiB', 12, 0xffff_ffff],
  ])('refuses %s', (_, at, value) => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(value, at);
    expect(() => read(head, 16)).toThrow('none of ours');
  });

  it.each([
    ['numbers', 2 ** 24, 0],
    ['payload', 8, 2 ** 24],
  ])('refuses many %s', (_, numbersBytes, payloadBytes) => {
    const head = Buffer.alloc(headBytes);
    writeNumbersHead(head, numbersBytes, payloadBytes);
    expect(() => read(head, 16)).toThrow('none of ours');
  });
});
