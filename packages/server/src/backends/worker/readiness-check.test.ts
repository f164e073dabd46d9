import { ManualClock } from '@nereid/test-kit';
import { expect, test } from 'vitest';
import { ReadinessCheck } from './readiness-check.ts';

function setUp(): { clock: ManualClock; check: ReadinessCheck; asked: () => number } {
  const clock = new ManualClock();
  let asked = 0;
  const ask = (): void => {
    asked++;
  };
  return {
    clock,
    check: new ReadinessCheck({ instanceName: 'm_0_0', clock, ask }),
    asked: () => asked,
  };
}

test('what the model says goes to all who wait, and it is asked anew afterwards', async () => {
  const { clock, check, asked } = setUp();
  const first = [check.check(), check.check()];
  expect(asked()).toBe(1);
  check.answered(true, null);
  expect(await Promise.all(first)).toEqual([null, null]);
  const second = check.check();
  expect(asked()).toBe(2);
  check.answered(false, null);
  expect(await second).toMatchObject({
    code: 'UNAVAILABLE',
    message: "Model 'm_0_0' is not ready (user-defined check failed).",
  });
  expect(clock.timerCount).toBe(0);
});

test('an error of the model is one', async () => {
  const { check } = setUp();
  const answer = check.check();
  check.answered(false, 'ValueError: no');
  expect(await answer).toMatchObject({ code: 'INTERNAL', message: 'ValueError: no' });
});

test('nobody waits longer than five seconds, and a late answer serves those who came later', async () => {
  const { clock, check, asked } = setUp();
  const first = check.check();
  clock.advanceMs(3000);
  const second = check.check();
  clock.advanceMs(2000);
  expect((await first)?.message).toBe('Timed out waiting for user-defined is_ready() response');
  clock.advanceMs(3000);
  expect((await second)?.message).toBe('Timed out waiting for in-flight is_ready() response');
  const third = check.check();
  expect(asked()).toBe(1);
  check.answered(true, null);
  expect(await third).toBeNull();
  expect(clock.timerCount).toBe(0);
});

test('a worker that goes leaves nobody waiting', async () => {
  const { check, asked } = setUp();
  const answer = check.check();
  check.abandon();
  expect((await answer)?.code).toBe('INTERNAL');
  void check.check();
  expect(asked()).toBe(2);
});
