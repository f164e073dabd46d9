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

const large = 300_000;

test('a large body is used again once it is given back, aligned anew', () => {
  const memory = new BodyMemory((buffer) => BigInt(buffer.byteOffset + 24));
  const first = memory.allocate(large, 0);
  const other = memory.allocate(large, 0);
  memory.recycle(first);
  const second = memory.allocate(large - 10, 33);
  expect(second.buffer).toBe(first.buffer);
  expect(second.length).toBe(large - 10);
  expect((second.byteOffset + 24 + 33) % 64).toBe(0);
  expect(other.buffer).not.toBe(first.buffer);
});

test('giving back twice, late, a view or what is foreign does nothing', () => {
  const memory = new BodyMemory(null);
  const first = memory.allocate(large, 0);
  memory.recycle(first.subarray(0));
  memory.recycle(Buffer.allocUnsafeSlow(large));
  const second = memory.allocate(large, 0);
  expect(second.buffer).not.toBe(first.buffer);
  memory.recycle(first);
  memory.recycle(first);
  const third = memory.allocate(large, 0);
  expect(third.buffer).toBe(first.buffer);
  // Its memory is the third body's now.
  memory.recycle(first);
  const fourth = memory.allocate(large, 0);
  expect(new Set([second, third, fourth].map((body) => body.buffer)).size).toBe(3);
});

test('small bodies are never used again', () => {
  const memory = new BodyMemory(null);
  for (const length of [100, 16 * 1024, 200_000]) {
    const body = memory.allocate(length, 0).fill(7);
    memory.recycle(body);
    memory.allocate(length, 0).fill(8);
    expect(body.every((byte) => byte === 7)).toBe(true);
  }
});
