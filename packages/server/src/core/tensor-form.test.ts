import type { Tensor } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { areEqual, areOfForms, formOf } from './tensor-form.ts';

const tensor: Tensor = {
  name: 'X',
  dataType: 'INT32',
  shape: [2, 1],
  data: new Uint8Array(8),
};

describe('areOfForms', () => {
  it.each<[string, readonly Tensor[], boolean]>([
    ['other contents', [{ ...tensor, data: new Uint8Array(8).fill(1) }], true],
    ['another name', [{ ...tensor, name: 'Y' }], false],
    ['another type', [{ ...tensor, dataType: 'UINT32' }], false],
    ['another shape of as many elements', [{ ...tensor, shape: [1, 2] }], false],
    ['another rank', [{ ...tensor, shape: [2] }], false],
    ['other bytes', [{ ...tensor, data: new Uint8Array(4) }], false],
    ['one more', [tensor, tensor], false],
    ['none', [], false],
  ])('tells of tensors with %s', (_, tensors, same) => {
    expect(areOfForms(tensors, [formOf(tensor)])).toBe(same);
    // A tensor is of its own form.
    expect(areOfForms(tensors, [tensor])).toBe(same);
  });

  it('goes by what the tensor was when its form was taken', () => {
    const shape = [2, 1];
    const form = formOf({ ...tensor, shape });
    shape[0] = 3;
    expect(areOfForms([tensor], [form])).toBe(true);
  });
});

it('compares lists', () => {
  expect(areEqual(['a', 'b'], ['a', 'b'])).toBe(true);
  expect(areEqual(['a', 'b'], ['a'])).toBe(false);
  expect(areEqual(['a', 'b'], ['b', 'a'])).toBe(false);
  expect(areEqual([], [])).toBe(true);
});
