import { expect, test } from 'vitest';
import type { TransportClock } from './clock.ts';
import { MemoryPool } from './memory-pool.ts';

const mebibyte = 1024 * 1024;

/** Runs the timers that are set, one round at a time. */
class TestClock implements TransportClock {
  #timers = new Set<() => void>();

  get timerCount(): number {
    return this.#timers.size;
  }

  nowNs(): number {
    return 0;
  }

  setTimer(_delayMs: number, callback: () => void): { cancel(): void } {
    this.#timers.add(callback);
    return { cancel: () => this.#timers.delete(callback) };
  }

  round(): void {
    const timers = this.#timers;
    this.#timers = new Set();
    for (const timer of timers) timer();
  }
}

function block(byteLength: number): Buffer {
  return Buffer.allocUnsafeSlow(byteLength);
}

test('gives the smallest block that fits, each once', () => {
  const pool = new MemoryPool(new TestClock());
  const [small, middle, large] = [block(100), block(150), block(190)];
  for (const each of [large, small, middle]) pool.give(each);
  expect(pool.take(100)).toBe(small);
  expect(pool.take(100)).toBe(middle);
  expect(pool.take(100)).toBe(large);
  expect(pool.take(100)).toBeNull();
  expect(pool.byteLength).toBe(0);
});

test('does not give much more than is asked for, nor less', () => {
  const pool = new MemoryPool(new TestClock());
  pool.give(block(200));
  expect(pool.take(99)).toBeNull();
  expect(pool.take(201)).toBeNull();
  expect(pool.take(100)).not.toBeNull();
});

test('is bounded in blocks and in bytes; the newest stay', () => {
  const pool = new MemoryPool(new TestClock());
  for (let count = 1; count <= 20; count++) pool.give(block(1000 + count));
  expect(pool.take(900)?.length).toBe(1005);
  const newest = block(60 * mebibyte);
  pool.give(newest);
  pool.give(block(65 * mebibyte));
  expect(pool.byteLength).toBeLessThanOrEqual(64 * mebibyte);
  expect(pool.take(60 * mebibyte)).toBe(newest);
});

test('keeps what is used and lets go of the rest', () => {
  const clock = new TestClock();
  const pool = new MemoryPool(clock);
  pool.give(block(1000));
  const used = block(500);
  for (let round = 0; round < 3; round++) {
    pool.give(used);
    clock.round();
    expect(pool.take(500)).toBe(used);
  }
  expect(pool.byteLength).toBe(0);
  pool.give(used);
  clock.round();
  clock.round();
  expect([pool.byteLength, clock.timerCount]).toEqual([0, 0]);
  pool.give(used);
  expect(clock.timerCount).toBe(1);
});
