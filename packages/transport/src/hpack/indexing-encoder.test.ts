import { expect, it } from 'vitest';
import { HpackDecoder } from './hpack-decoder.ts';
import type { EncodedField } from './hpack-encoder.ts';
import { IndexingEncoder } from './indexing-encoder.ts';

function pair(): (fields: readonly EncodedField[]) => { length: number; text: string } {
  const encoder = new IndexingEncoder();
  const decoder = new HpackDecoder(4096, 1 << 20);
  return (fields) => {
    const block = Buffer.from(encoder.encode(fields));
    const { names, values } = decoder.decode(block, 0, block.length);
    return { length: block.length, text: names.map((name, at) => `${name}=${values[at]}`).join() };
  };
}

it('says a field once, and then its number', () => {
  const encode = pair();
  const fields: EncodedField[] = [
    [':method', 'POST'],
    [':path', '/a/b'],
    ['x-a', 'a value'],
  ];
  const text = ':method=POST,:path=/a/b,x-a=a value';
  expect(encode(fields).length).toBeGreaterThan(12);
  expect(encode(fields)).toEqual({ length: 3, text });
  // The same object, and others that are equal.
  expect(encode(fields)).toEqual({ length: 3, text });
  expect(encode([...fields])).toEqual({ length: 3, text });
  // Indexes move when there is something new.
  encode([['x-b', 'b']]);
  expect(encode(fields)).toEqual({ length: 3, text });
});

it('indexes a new value of a known name when it comes a second time', () => {
  const encode = pair();
  encode([['x-trace', 'one']]);
  const lengths = ['two', 'three', 'three', 'three'].map(
    (value) => encode([['x-trace', value]]).length,
  );
  expect(lengths).toEqual([6, 7, 6, 1]);
  // Nothing was driven out.
  expect(encode([['x-trace', 'one']]).length).toBe(1);
});

it('never indexes what is secret', () => {
  const encode = pair();
  const fields: EncodedField[] = [['authorization', 'key', true]];
  const { length } = encode(fields);
  expect(encode(fields).length).toBe(length);
  expect(encode([['authorization', 'key']]).length).toBeGreaterThan(1);
});

it('keeps to the table that the peer wants', () => {
  const encoder = new IndexingEncoder();
  const decoder = new HpackDecoder(4096, 1 << 20);
  const fields: EncodedField[] = [['x-a', 'a']];
  const send = (): string => {
    const block = Buffer.from(encoder.encode(fields));
    const { names, values } = decoder.decode(block, 0, block.length);
    return `${block.toString('hex')} ${names}=${values}`;
  };
  expect(send()).toMatch(/^40/u);
  expect(send()).toBe('be x-a=a');
  encoder.limit(0);
  expect(send()).toMatch(/^2000.* x-a=a$/u);
  expect(send()).toMatch(/^00/u);
  encoder.limit(100);
  encoder.limit(1000);
  // The smallest, and the last: RFC 7541 section 4.2.
  expect(send()).toMatch(/^3f453fc90740.* x-a=a$/u);
  encoder.limit(1_000_000);
  expect(send()).toMatch(/^3fe11f/u);
});
