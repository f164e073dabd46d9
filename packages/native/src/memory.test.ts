import { expect, test } from 'vitest';
import { CStrings } from './c-strings.ts';
import {
  addressOf,
  allocateAligned,
  allocateFixed,
  copyMemory,
  fixMallocThresholds,
  mallocTrim,
  NativeBlock,
  readCString,
} from './memory.ts';

test('aligned memory is aligned, and as long as asked for', () => {
  for (const alignmentBytes of [1, 8, 64, 4096]) {
    for (const byteLength of [0, 1, 63, 64, 65, 10_000]) {
      const memory = allocateAligned(byteLength, alignmentBytes);
      expect(memory.byteLength).toBe(byteLength);
      if (byteLength > 0) expect(addressOf(memory) % BigInt(alignmentBytes)).toBe(0n);
    }
  }
});

test('addresses follow offsets, and small arrays stay where they are', () => {
  const memory = allocateFixed(16);
  expect(addressOf(memory.subarray(3)) - addressOf(memory)).toBe(3n);
  const small = Uint8Array.of(1, 2, 3);
  const before = addressOf(small);
  const garbage = Array.from({ length: 100_000 }, (_, index) => ({ index }));
  expect(garbage.length).toBe(100_000);
  expect(addressOf(small)).toBe(before);
  expect(addressOf(new Uint8Array(0))).toBe(0n);
});

test('blocks hold what was written', () => {
  const block = new NativeBlock(64);
  for (const value of [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 7, 2 ** 47 - 1, Number.MAX_SAFE_INTEGER]) {
    block.write(3, value);
    expect(block.read(3)).toBe(value);
    expect(block.readInt64(3)).toBe(value);
    expect(block.readBigInt64(3)).toBe(BigInt(value));
  }
  const negative = Buffer.alloc(16);
  negative.writeBigInt64LE(-1n);
  negative.writeInt32LE(-5, 8);
  block.copyFrom(Number(addressOf(negative)), 2);
  expect(block.readInt64(0)).toBe(-1);
  expect(block.readInt32(1)).toBe(-5);
  expect(block.at(2) - block.address).toBe(16);
});

test('memory is copied between addresses', () => {
  const source = Buffer.from('hello, native world, longer than what fits on the heap of V8 .....');
  const target = allocateFixed(source.byteLength);
  copyMemory(Number(addressOf(target)), Number(addressOf(source)), source.byteLength);
  expect(target.equals(source)).toBe(true);
});

test('C strings', () => {
  const strings = new CStrings(['one', 'zwei €', '', 'one']);
  expect(readCString(strings.addressOf('zwei €'))).toBe('zwei €');
  expect(readCString(strings.addressOf('one'))).toBe('one');
  expect(readCString(strings.addressOf(''))).toBe('');
  expect(strings.find('three')).toBeNull();
  expect(() => strings.addressOf('three')).toThrow();
  expect(() => new CStrings(['a\0b'])).toThrow(/NUL/);
});

test('the heap can be trimmed where the C library is glibc', () => {
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const isGlibc = report.header.glibcVersionRuntime !== undefined;
  expect(typeof mallocTrim()).toBe(isGlibc ? 'boolean' : 'object');
  expect(fixMallocThresholds({})).toBe(isGlibc);
  expect(fixMallocThresholds({ MALLOC_TRIM_THRESHOLD_: '1' })).toBe(false);
  expect(fixMallocThresholds({ GLIBC_TUNABLES: 'glibc.malloc.arena_max=1' })).toBe(false);
});
