import { InferenceError } from '@nereid/client';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { ResilientCaller } from './resilient-caller.ts';
import { backoffMs, mayRetry, outcomeOf } from './retry-policy.ts';

const away = new InferenceError('UNAVAILABLE', 'connect ECONNREFUSED', null);
const wrong = new InferenceError('INVALID_ARGUMENT', 'unexpected shape', 400);

function callerOf(clock: ManualClock, more: object = {}): ResilientCaller {
  return new ResilientCaller({
    clock,
    random: () => 1,
    retriesMax: 3,
    timeoutMs: 60_000,
    backoff: { delayMs: 100, delayMsMax: 300 },
    circuit: { failuresMax: 100 },
    log: null,
    ...more,
  });
}

/** An attempt that fails so often before it answers; remembers when it was made. */
function failingAttempts(clock: ManualClock, errors: readonly Error[]) {
  const sentMs: number[] = [];
  const timeoutsMs: number[] = [];
  const attempt = async (timeoutMs: number): Promise<string> => {
    timeoutsMs.push(timeoutMs);
    const error = errors[sentMs.push(clock.nowNs() / 1e6) - 1];
    if (error !== undefined) throw error;
    return 'answer';
  };
  return { attempt, sentMs, timeoutsMs };
}

/** Moves the clock whenever all else waits, until the call is over. */
async function settle<T>(clock: ManualClock, call: Promise<T>): Promise<T> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  call.then(end, end);
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!over && clock.timerCount > 0) clock.advanceMs(1);
  }
  return call;
}

describe('ResilientCaller', () => {
  it('sends again after growing waits', async () => {
    const clock = new ManualClock();
    const { attempt, sentMs, timeoutsMs } = failingAttempts(clock, [away, away, away]);
    expect(await settle(clock, callerOf(clock).call('infer', attempt))).toBe('answer');
    expect(sentMs).toEqual([0, 100, 300, 600]);
    expect(timeoutsMs).toEqual([60_000, 59_900, 59_700, 59_400]);
  });

  it('gives up with the last error after the retries that are allowed', async () => {
    const clock = new ManualClock();
    const last = new InferenceError('UNAVAILABLE', 'still not there', null);
    const { attempt, sentMs } = failingAttempts(clock, [away, away, away, last]);
    await expect(settle(clock, callerOf(clock).call('infer', attempt))).rejects.toBe(last);
    expect(sentMs).toHaveLength(4);
  });

  it.each([
    wrong,
    new InferenceError('NOT_FOUND', 'unknown model', 404),
    new InferenceError('INTERNAL', 'the model failed', 500),
    new InferenceError('DEADLINE_EXCEEDED', 'no answer', null),
    new InferenceError('RESOURCE_EXHAUSTED', 'too large', 413),
    new InferenceError('CANCELLED', 'cancelled', null),
    new TypeError('a mistake in the program'),
  ])('never sends again what that does not help: $code $message', async (error) => {
    const clock = new ManualClock();
    const { attempt, sentMs } = failingAttempts(clock, [error]);
    await expect(callerOf(clock).call('infer', attempt)).rejects.toBe(error);
    expect(sentMs).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });

  it('does not wait beyond the time of the call', async () => {
    const clock = new ManualClock();
    const { attempt, sentMs } = failingAttempts(clock, [away, away, away, away]);
    const caller = callerOf(clock, { timeoutMs: 250 });
    await expect(settle(clock, caller.call('infer', attempt))).rejects.toBe(away);
    expect(sentMs).toEqual([0, 100]);
  });

  it('stops waiting when the caller does', async () => {
    const clock = new ManualClock();
    const { attempt } = failingAttempts(clock, [away]);
    const controller = new AbortController();
    const call = callerOf(clock).call('infer', attempt, controller.signal);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.timerCount).toBe(1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(clock.timerCount).toBe(0);
  });

  it('sends nothing while the circuit is open', async () => {
    const clock = new ManualClock();
    const caller = callerOf(clock, { circuit: { failuresMax: 2, openMs: 5000 } });
    const { attempt, sentMs } = failingAttempts(clock, [away, away, away]);
    await expect(settle(clock, caller.call('infer', attempt))).rejects.toBe(away);
    expect(caller.circuitState).toBe('open');
    await expect(caller.call('infer', attempt)).rejects.toThrow(
      /^not sent: the last 2 requests failed/u,
    );
    expect(sentMs).toHaveLength(2);
    clock.advanceMs(5000);
    const recovered = failingAttempts(clock, []);
    expect(await caller.call('infer', recovered.attempt)).toBe('answer');
    expect(caller.circuitState).toBe('closed');
  });

  it('tells what became of each request', async () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const caller = callerOf(clock, { log: (text: string) => lines.push(text) });
    await settle(clock, caller.call('infer m', failingAttempts(clock, [away]).attempt));
    expect(lines).toEqual([
      'infer m: after 0.0 ms failed: connect ECONNREFUSED',
      'infer m: sent again in 100 ms',
      'infer m: after 0.0 ms answered',
    ]);
  });

  it('does not open the circuit for the errors of callers', async () => {
    const clock = new ManualClock();
    const caller = callerOf(clock, { circuit: { failuresMax: 1 } });
    await expect(caller.call('infer', () => Promise.reject(wrong))).rejects.toBe(wrong);
    expect(caller.circuitState).toBe('closed');
  });
});

describe('backoffMs', () => {
  it('doubles, up to a bound, and leaves half to chance', () => {
    const options = { delayMs: 100, delayMsMax: 1000 };
    expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffMs(attempt, 1, options))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
    expect(backoffMs(3, 0, options)).toBe(200);
    expect(backoffMs(3, 0.5, options)).toBe(300);
  });
});

it('retries what a gateway puts off', () => {
  expect(mayRetry(new InferenceError('RESOURCE_EXHAUSTED', 'slow down', 429))).toBe(true);
  expect(outcomeOf(new InferenceError('DEADLINE_EXCEEDED', 'no answer', null))).toBe('failure');
});
