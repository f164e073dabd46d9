import { expect, it } from 'vitest';
import { QuickAnswers } from './quick-answers.ts';

it('waits where the model takes microseconds, as soon as that is known', () => {
  const answers = new QuickAnswers(true);
  expect(answers.waitMs(1)).toBe(0);
  answers.executed(1, 5);
  expect(answers.waitMs(1)).toBeGreaterThan(0);
  for (let batch = 0; batch < 4; batch++) answers.executed(1, 5000);
  expect(answers.waitMs(1)).toBe(0);
  for (let batch = 0; batch < 100; batch++) answers.executed(1, 5);
  expect(answers.waitMs(1)).toBeGreaterThan(0);
});

it('tells large batches from small ones', () => {
  const answers = new QuickAnswers(true);
  for (let batch = 0; batch < 10; batch++) answers.executed(10, 100);
  expect(answers.waitMs(20)).toBeGreaterThan(0);
  expect(answers.waitMs(30)).toBe(0);
});

it('lets other instances run meanwhile, unless it is a matter of microseconds', () => {
  const answers = new QuickAnswers(false);
  answers.executed(1, 10);
  expect(answers.waitMs(1)).toBeGreaterThan(0);
  expect(answers.waitMs(5)).toBe(0);
});

it('waits less and less often where answers do not come', () => {
  const answers = new QuickAnswers(true);
  answers.executed(1, 5);
  const waits = (batches: number): number => {
    let count = 0;
    for (let batch = 0; batch < batches; batch++) {
      if (answers.waitMs(1) === 0) continue;
      count++;
      answers.waited(false);
    }
    return count;
  };
  expect(waits(1000)).toBeLessThan(8);
  expect(waits(10_000)).toBeLessThan(5);
  while (answers.waitMs(1) === 0);
  answers.waited(true);
  expect(waits(100)).toBeGreaterThan(1);
});
