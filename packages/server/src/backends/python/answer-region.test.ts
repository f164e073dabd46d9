import { expect, it } from 'vitest';
import { AnswerRegion } from './answer-region.ts';

it('opens memory of that process and nothing else', () => {
  expect(AnswerRegion.open(process.pid, '')).toBe(null);
  expect(AnswerRegion.open(process.pid, '/etc/passwd')).toBe(null);
  expect(AnswerRegion.open(process.pid, `/proc/${process.ppid}/fd/0`)).toBe(null);
  expect(AnswerRegion.open(process.pid, `/proc/${process.pid}/fd/987654`)).toBe(null);
});
