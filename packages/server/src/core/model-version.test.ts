import { expect, it } from 'vitest';
import { parseModelVersion } from './model-version.ts';

it('reads versions as the C++ server does', () => {
  expect(parseModelVersion('')).toBeNull();
  for (const [text, version] of [
    ['3', 3],
    ['0', 0],
    ['-0', 0],
    ['0000000000000000000000007', 7],
    [' +2', 2],
    ['2abc', 2],
    ['1.5', 1],
  ] as const) {
    expect([text, parseModelVersion(text)]).toEqual([text, version]);
  }
});

it('refuses what is no version in its words', () => {
  for (const text of ['99999999999999999999', 'abc', ' ', '+', '-x']) {
    expect(() => parseModelVersion(text)).toThrow(
      `failed to get model version from specified version string '${text}' (details: stol), version should be an integral value > 0`,
    );
  }
  expect(() => parseModelVersion('-2')).toThrow(
    "invalid model version specified '-2' , version should be an integral value > 0",
  );
});
