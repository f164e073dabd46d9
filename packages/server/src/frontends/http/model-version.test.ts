import { expect, it } from 'vitest';
import { parseModelVersion } from './model-version.ts';

it('reads versions as the C++ server does', () => {
  expect(parseModelVersion('')).toBeNull();
  expect(parseModelVersion('3')).toBe(3);
  expect(parseModelVersion('0')).toBe(0);
  expect(parseModelVersion('0000000000000000000000007')).toBe(7);
  expect(() => parseModelVersion('99999999999999999999')).toThrow(
    "failed to get model version from specified version string '99999999999999999999' (details: stol), version should be an integral value > 0",
  );
});
