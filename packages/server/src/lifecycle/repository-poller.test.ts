import { ManualClock } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import type { Logger } from '../core/logger.ts';
import { silentLogger } from '../core/logger.ts';
import { RepositoryPoller } from './repository-poller.ts';

it('looks again an interval after the last look ended, also when that failed', async () => {
  const clock = new ManualClock();
  let looks = 0;
  const update = async (): Promise<void> => {
    if (++looks === 1) throw new Error('the repository is away');
  };
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (text) => void errors.push(text) };
  new RepositoryPoller({ update, intervalMs: 1000, clock, logger }).start();
  clock.advanceMs(1000);
  await expect.poll(() => clock.timerCount).toBe(1);
  expect(errors).toEqual(['failed to poll the model repositories: the repository is away']);
  clock.advanceMs(1000);
  await expect.poll(() => clock.timerCount).toBe(1);
  expect(looks).toBe(2);
});

it('does not keep a server from ending that has a model which never ends to load', async () => {
  const clock = new ManualClock();
  let looks = 0;
  const update = (): Promise<void> => {
    looks++;
    return new Promise(() => {});
  };
  const poller = new RepositoryPoller({ update, intervalMs: 1000, clock, logger: silentLogger });
  poller.start();
  clock.advanceMs(1000);
  await poller.stop();
  expect([looks, clock.timerCount]).toEqual([1, 0]);
});
