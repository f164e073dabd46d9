import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RingMemory, RingReader, RingWriter } from './shared-ring.ts';

const newRing = (capacity: number, start = 0) => {
  const counters = new Int32Array(new SharedArrayBuffer(8)).fill(start);
  const memory: RingMemory = {
    counters,
    writtenAt: 0,
    readAt: 1,
    entries: new SharedArrayBuffer(capacity),
  };
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) };
};

interface Entry {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const write = (writer: RingWriter, entryNumber: number, { bytes, text }: Entry): boolean => {
  writer.begin();
  writer.number(bytes.length);
  writer.bytes(bytes);
  writer.text(text);
  return writer.commit(entryNumber);
};

const read = (reader: RingReader): Entry => {
  const bytes = new Uint8Array(reader.count());
  reader.bytesInto(bytes);
  const text = reader.text();
  reader.done();
  return { bytes, text };
};

describe('a ring', () => {
  it('gives what was written, in its order, and refuses what does not fit', () => {
    const entry = fc.record({
      bytes: fc.uint8Array({ maxLength: 200 }),
      text: fc.string({ unit: 'binary', maxLength: 20 }),
    });
    // Null stands for reading one.
    const steps = fc.array(fc.option(entry, { freq: 3 }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 2 ** 31 - 64, -64), (all, start) => {
        const { writer, reader } = newRing(512, start);
        const waiting: [number, Entry][] = [];
        const readOne = (): void => {
          const [entryNumber = null, expected] = waiting.shift() ?? [];
          expect(reader.peek()).toBe(entryNumber);
          if (expected !== undefined) expect(read(reader)).toEqual(expected);
        };
        all.forEach((one, index) => {
          if (one === null) readOne();
          else if (write(writer, index, one)) waiting.push([index, one]);
          else expect(waiting.length).toBeGreaterThan(0);
        });
        while (waiting.length > 0) readOne();
        expect(reader.peek()).toBe(null);
      }),
      { numRuns: 200 },
    );
  });

  it('takes an entry of half its size wherever it is', () => {
    const { writer, reader } = newRing(1024);
    for (let round = 0; round < 200; round++) {
      const bytes = new Uint8Array(round % 3 === 0 ? 400 : round);
      expect(write(writer, round, { bytes, text: '' })).toBe(true);
      expect(reader.peek()).toBe(round);
      expect(read(reader).bytes).toHaveLength(bytes.length);
    }
  });

  it('hands over nothing of an entry that is too large', () => {
    const { writer, reader } = newRing(64);
    expect(write(writer, 1, { bytes: new Uint8Array(64), text: '' })).toBe(false);
    expect(reader.peek()).toBe(null);
    expect(write(writer, 2, { bytes: new Uint8Array(8).fill(3), text: 'é' })).toBe(true);
    expect(reader.peek()).toBe(2);
    expect(read(reader)).toEqual({ bytes: new Uint8Array(8).fill(3), text: 'é' });
  });
});

describe('an entry that is not what it says', () => {
  it.each([
    ['a length beyond the ring', 1, 4096],
    ['a length that is none', 1, Number.NaN],
    ['a length before its beginning', 1, -8],
  ])('is an error (%s)', (_, at, value) => {
    const { memory, writer, reader } = newRing(256);
    write(writer, 0, { bytes: new Uint8Array(8), text: '' });
    new Float64Array(memory.entries)[at] = value;
    expect(() => reader.peek()).toThrow('is not what it says');
  });

  it('is an error where more is read than is in it', () => {
    const { memory, writer, reader } = newRing(256);
    write(writer, 0, { bytes: new Uint8Array(8), text: '' });
    new Float64Array(memory.entries)[2] = 4096;
    reader.peek();
    expect(() => read(reader)).toThrow('is not what it says');
  });
});
