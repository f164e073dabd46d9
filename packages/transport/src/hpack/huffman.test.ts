import { expect, test } from 'vitest';
import { decodeHuffman } from './huffman-decoder.ts';
import { encodeHuffman, huffmanByteLength } from './huffman-encoder.ts';

function encode(text: string): Buffer {
  const target = Buffer.alloc(huffmanByteLength(text));
  expect(encodeHuffman(text, target, 0)).toBe(target.length);
  return target;
}

const decode = (hex: string): string | null => {
  const bytes = Buffer.from(hex, 'hex');
  return decodeHuffman(bytes, 0, bytes.length);
};

test.each([
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['', ''],
])('encodes and decodes %s as RFC 7541 appendix C does', (text, hex) => {
  expect(encode(text).toString('hex')).toBe(hex);
  expect(decode(hex)).toBe(text);
});

test('every byte survives', () => {
  const text = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
  const bytes = encode(text);
  expect(decodeHuffman(bytes, 0, bytes.length)).toBe(text);
});

test.each([
  ['padding of zeros', '00'],
  ['padding of eight ones', 'ff'],
  ['padding of eight ones after a symbol', '1fff'],
  ['the end of the string as a symbol', 'ffffffff'],
  ['a code that stops in its middle', 'fffffe'],
])('refuses %s', (_what, hex) => {
  expect(decode(hex)).toBeNull();
});
