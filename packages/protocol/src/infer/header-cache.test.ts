import { expect, it } from 'vitest';
import { HeaderCache } from './header-cache.ts';

function body(header: string): Buffer {
  return Buffer.concat([Buffer.from(header), Buffer.from('data')]);
}

it('finds what was remembered of exactly these bytes', () => {
  const cache = new HeaderCache<number>();
  cache.remember(Buffer.from('{"a":1}'), 1);
  expect(cache.find(body('{"a":1}'), 7)).toBe(1);
  expect(cache.find(body('{"a":2}'), 7)).toBeNull();
  expect(cache.find(body('{"a":1}'), 6)).toBeNull();
  expect(cache.find(body('{"a":1} '), 8)).toBeNull();
});

it('keeps its own copy of the bytes', () => {
  const cache = new HeaderCache<number>();
  const header = Buffer.from('{"a":1}');
  cache.remember(header, 1);
  header.fill(0x20);
  expect(cache.find(body('{"a":1}'), 7)).toBe(1);
  expect(cache.find(header, 7)).toBeNull();
});

it('keeps most of the headers of one client, which differ in a digit', () => {
  const cache = new HeaderCache<number>();
  const padding = 'x'.repeat(300);
  const headerOf = (i: number): string => `{"${padding}":[${i}],"${padding}":1}`;
  for (let i = 10; i < 74; i++) cache.remember(Buffer.from(headerOf(i)), i);
  let found = 0;
  for (let i = 10; i < 74; i++) {
    const value = cache.find(body(headerOf(i)), headerOf(i).length);
    expect(value === null || value === i).toBe(true);
    if (value !== null) found++;
  }
  expect(found).toBeGreaterThan(45);
});

it('does not remember long headers, nor more than 256', () => {
  const cache = new HeaderCache<number>();
  cache.remember(Buffer.alloc(4097, 0x20), 1);
  expect(cache.find(Buffer.alloc(4097, 0x20), 4097)).toBeNull();
  const headers = Array.from({ length: 2000 }, (_, i) => Buffer.from(`{"id":"${i}"}`));
  headers.forEach((header, i) => {
    cache.remember(header, i);
  });
  const kept = headers.filter((header) => cache.find(header, header.length) !== null);
  expect(kept.length).toBeLessThanOrEqual(256);
  expect(kept.length).toBeGreaterThan(128);
});
