import { TritonError } from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../core/cancellation.ts';
import { AwaitedLoad, loadWaitersMax } from './awaited-load.ts';
import { LoadFailures } from './load-failures.ts';

describe('AwaitedLoad', () => {
  it('tells everybody how it ended', async () => {
    const load = new AwaitedLoad('m', new ManualClock());
    const waiters = [load.wait(new Cancellation()), load.wait(new Cancellation())];
    load.end(new TritonError('UNAVAILABLE', 'broken'));
    for (const waiter of waiters) await expect(waiter).rejects.toThrow('broken');
  });

  it('lets go of who was cancelled, before or while it waited', async () => {
    const clock = new ManualClock();
    const load = new AwaitedLoad('m', clock);
    const cancelled = new Cancellation();
    cancelled.cancel();
    await expect(load.wait(cancelled)).rejects.toMatchObject({ code: 'CANCELLED' });
    const cancellation = new Cancellation();
    const waiter = load.wait(cancellation);
    cancellation.cancel();
    await expect(waiter).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(clock.timerCount).toBe(0);
  });

  it('does not let anybody wait for ever, or too many', async () => {
    const clock = new ManualClock();
    const load = new AwaitedLoad('m', clock);
    const waiters = Array.from({ length: loadWaitersMax }, () => load.wait(new Cancellation()));
    await expect(load.wait(new Cancellation())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    clock.advanceMs(600_000);
    const ends = await Promise.allSettled(waiters);
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
    expect(clock.timerCount).toBe(0);
  });
});

describe('LoadFailures', () => {
  it('waits twice as long after each failure, up to a minute', () => {
    const clock = new ManualClock();
    const failures = new LoadFailures(clock);
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const error = failures.record('m', 'its file is broken');
      expect(error.message).toBe("failed to load model 'm': its file is broken");
      clock.advanceMs(seconds * 1000 - 1);
      expect(failures.current('m')).toBe(error);
      clock.advanceMs(1);
      expect(failures.current('m')).toBe(null);
    }
    failures.forget('m');
    failures.record('m', 'again');
    clock.advanceMs(1000);
    expect(failures.current('m')).toBe(null);
    expect(failures.current('other')).toBe(null);
  });
});
