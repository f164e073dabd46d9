import { expect, it } from 'vitest';
import { chooseResponseEncoding } from './response-encoding.ts';

it.each([
  ['', 'identity'],
  ['gzip', 'gzip'],
  ['deflate, gzip', 'deflate'],
  ['gzip;q=0.2, deflate;q=0.8', 'deflate'],
  ['gzip;q=0, deflate;q=0', 'identity'],
  ['*', 'identity'],
  ['br;q=1, gzip;q=0.1', 'gzip'],
  ['identity, gzip', 'identity'],
  [' gzip ; q=0.5 ,  deflate ; q=0.4', 'identity'],
  ['GZIP', 'identity'],
  ['gzip;q=', 'identity'],
  ['gzip;q=1e999, deflate;q=0.1', 'deflate'],
  [';q=1,,gzip', 'gzip'],
])('Accept-Encoding %j chooses %s', (header, expected) => {
  expect(chooseResponseEncoding(header)).toBe(expected);
});
