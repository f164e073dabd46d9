import { expect, it } from 'vitest';
import { QuickAnswers } from './quick-answers.ts';

it('waits where the model takes microseconds, as soon as that is known', () => {
  const answers = new QuickAnswers();
  expect(answers.waitMs()).toBe(0);
  answers.executed(5);
  expect(answers.waitMs()).toBeGreaterThan(0);
  for (let batch = 0; batch < 4; batch++) answers.executed(1000);
  expect(answers.waitMs()).toBe(0);
  for (let batch = 0; batch < 100; batch++) answers.executed(5);
  expect(answers.waitMs()).toBeGreaterThan(0);
});

it('waits less and less often where answers do not come', () => {
  const answers = new QuickAnswers();
  answers.executed(5);
  const waits = (batches: number): number => {
    let count = 0;
    for (let batch = 0; batch < batches; batch++) {
      if (answers.waitMs() === 0) continue;
      count++;
      answers.waited(false);
    }
    return count;
  };
  expect(waits(1000)).toBeLessThan(8);
  expect(waits(10_000)).toBeLessThan(5);
  while (answers.waitMs() === 0);
  answers.waited(true);
  expect(waits(100)).toBeGreaterThan(1);
});
