import { type InferResult, type Tensor, tensor } from '@nereid/client';
import { expect, it } from 'vitest';
import { resultText } from './tensor-text.ts';

it('shows what a terminal would act on, in a text and in lists of them', () => {
  const outputs = new Map<string, Tensor>([
    ['one', tensor('BYTES', [1], ['\u009b2J'])],
    ['two', tensor('BYTES', [2], ['\u009b2J', 'a\u202eb'])],
  ]);
  expect(resultText({ outputs } as unknown as InferResult)).toBe(
    'one  BYTES [1]\n\\u009b2J\n\ntwo  BYTES [2]\n["\\u009b2J", "a\\u202eb"]\n',
  );
});
