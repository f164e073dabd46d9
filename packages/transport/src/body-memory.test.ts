import { expect, test } from 'vitest';
import { BodyMemory } from './body-memory.ts';

const lengths = [0, 1, 63, 64, 1_000, 16 * 1024, 16 * 1024 + 1, 1_000_000];

test.each([0, 24, 48])('bodies are aligned wherever blocks lie (%i)', (base) => {
  const memory = new BodyMemory((buffer) => BigInt(buffer.byteOffset + base));
  for (const length of lengths) {
    for (const offset of [0, 1, 64, 200]) {
      const body = memory.allocate(length, offset);
      expect(body.length).toBe(length);
      expect((body.byteOffset + base + offset) % 64).toBe(0);
    }
  }
});

test('bodies do not overlap', () => {
  const memory = new BodyMemory(null);
  const bodies = Array.from({ length: 1_000 }, (_, index) =>
    memory
      .allocate(1 + ((index * 37) % 900), index % 2 === 0 ? index % 70 : null)
      .fill(index % 251),
  );
  bodies.forEach((body, index) => {
    expect(body.every((byte) => byte === index % 251)).toBe(true);
  });
});

test('the address is asked for once a slab', () => {
  let asked = 0;
  const memory = new BodyMemory(() => {
    asked++;
    return 0;
  });
  for (let index = 0; index < 100; index++) memory.allocate(100, 0);
  expect(asked).toBe(1);
});

test('what cannot be had is a RangeError', () => {
  expect(() => new BodyMemory(null).allocate(2 ** 52, null)).toThrow(RangeError);
});
