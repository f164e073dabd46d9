import { STATUS_CODES } from 'node:http';
import { expect, test } from 'vitest';
import { reasonPhrases } from './reason-phrases.ts';

test('has the phrase of every final status that Node knows', () => {
  for (const [status, phrase] of Object.entries(STATUS_CODES)) {
    if (Number(status) >= 200) expect(reasonPhrases.get(Number(status))).toBe(phrase);
  }
});
