import { describe, expect, it } from 'vitest';
import { AnswerForms } from './answer-forms.ts';

const answer = { tensors: [['Y', 'FP32', [2], 8]] } as const;
const told = { kind: 'result', batch: 1, error: null, responses: [answer, null] } as const;

function numbers(batch: bigint, ...forms: number[]): Buffer {
  const message = Buffer.alloc(8 + forms.length * 4);
  message.writeBigUInt64LE(batch, 0);
  for (const [index, form] of forms.entries()) message.writeUInt32LE(form, 8 + index * 4);
  return message;
}

describe('AnswerForms', () => {
  it('says results of forms that were told', () => {
    const forms = new AnswerForms();
    forms.learn([5, null], told);
    expect(forms.result(numbers(2n ** 40n, 5, 5))).toEqual({
      kind: 'result',
      batch: 2 ** 40,
      error: null,
      responses: [answer, answer],
    });
  });

  it.each([
    ['a form that was not told', numbers(1n, 4)],
    ['no form', numbers(1n)],
    ['half a number', numbers(1n, 5).subarray(0, 10)],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_, message) => {
    const forms = new AnswerForms();
    forms.learn([5, null], told);
    expect(() => forms.result(message)).toThrow();
  });

  it.each([
    ['a number out of bounds', [64, null]],
    ['a negative number', [-1, null]],
    ['the form of no answer', [null, 5]],
    ['a form too many', [null, null, 5]],
  ])('does not learn %s', (_, learnt) => {
    expect(() => new AnswerForms().learn(learnt, told)).toThrow();
  });
});
