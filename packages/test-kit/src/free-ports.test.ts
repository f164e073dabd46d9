import { expect, it } from 'vitest';
import { freePorts } from './free-ports.ts';

it('gives ports in a row that no client is given by itself', async () => {
  const [first = 0, ...more] = await freePorts(3);
  expect(more).toEqual([first + 1, first + 2]);
  expect(first).toBeGreaterThan(1023);
  expect(first + 2).toBeLessThan(32_768);
});
