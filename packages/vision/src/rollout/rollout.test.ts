import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { Rollout, type RolloutOptions } from './rollout.ts';

type Options = RolloutOptions<string, string>;

function rolloutOf(more: Partial<Options> = {}): Rollout<string, string> {
  return new Rollout({
    name: 'detector',
    old: (input) => `old ${input}`,
    candidate: (input) => `new ${input}`,
    clock: new ManualClock(),
    random: () => 0.5,
    ...more,
  });
}

const fail = (): never => {
  throw new Error('the candidate failed');
};

/** The value of a sample by its name and the labels after the rollout's. */
function sample(rollout: Rollout<string, string>, name: string, labels = ''): number {
  const line = `nereid_rollout_${name}{rollout="detector"${labels === '' ? '' : `,${labels}`}} `;
  const found = rollout
    .metrics()
    .split('\n')
    .find((each) => each.startsWith(line));
  return Number(found?.slice(line.length));
}

const candidateServed = (rollout: Rollout<string, string>): number =>
  sample(rollout, 'requests_total', 'route="candidate",role="serving",outcome="success"');

describe('Rollout', () => {
  it('gives each key to one of the two, and its part to the candidate', async () => {
    const rollout = rolloutOf({ percentage: 30 });
    const keys = Array.from({ length: 1000 }, (_, i) => `camera-${i}`);
    const first = await Promise.all(keys.map((key) => rollout.run('x', key)));
    const second = await Promise.all(keys.map((key) => rollout.run('x', key)));
    expect(second).toEqual(first);
    const moved = first.filter((answer) => answer === 'new x').length;
    expect(moved).toBeGreaterThan(250);
    expect(moved).toBeLessThan(350);
    expect(candidateServed(rollout)).toBe(2 * moved);
  });

  it('moves nobody back when the percentage grows', () => {
    const rollout = rolloutOf();
    const keys = Array.from({ length: 300 }, (_, i) => `key-${i}`);
    let before = new Set<string>();
    for (const percentage of [0, 1, 10, 25, 50, 99, 100]) {
      rollout.percentage = percentage;
      const now = new Set(keys.filter((key) => rollout.routeOf(key) === 'candidate'));
      for (const key of before) expect(now).toContain(key);
      before = now;
    }
    expect(before.size).toBe(keys.length);
  });

  it('lets chance decide without a key', async () => {
    expect(await rolloutOf({ percentage: 51 }).run('x')).toBe('new x');
    expect(await rolloutOf({ percentage: 50 }).run('x')).toBe('old x');
  });

  it.each([-1, 101, Number.NaN])('refuses %d percent', (percentage) => {
    expect(() => rolloutOf({ percentage })).toThrow(RangeError);
    expect(() => rolloutOf({ comparePercentage: percentage })).toThrow(RangeError);
    const rollout = rolloutOf();
    expect(() => {
      rollout.percentage = percentage;
    }).toThrow(`percentage is a number from 0 to 100, not ${percentage}`);
    expect(rollout.percentage).toBe(0);
  });
});

describe('a candidate that fails', () => {
  it('is answered for by the old function', async () => {
    const rollout = rolloutOf({ percentage: 100, candidate: fail });
    expect(await rollout.run('x')).toBe('old x');
    expect(sample(rollout, 'fall_backs_total')).toBe(1);
  });

  it('is paused when it fails too often, and tried again later', async () => {
    const clock = new ManualClock();
    let broken = true;
    const paused: number[] = [];
    const rollout = rolloutOf({
      percentage: 100,
      candidate: (input) => (broken ? fail() : `new ${input}`),
      clock,
      fallBack: { requestsMin: 4, failureRateMax: 0.5, windowMs: 1000, pauseMs: 5000 },
      onPause: (rate) => paused.push(rate),
    });
    for (let i = 0; i < 3; i++) await rollout.run('x');
    expect(rollout.paused).toBe(false);
    await rollout.run('x');
    expect([rollout.paused, paused]).toEqual([true, [1]]);
    broken = false;
    expect(await rollout.run('x')).toBe('old x');
    expect(sample(rollout, 'paused')).toBe(1);
    clock.advanceMs(5000);
    expect(await rollout.run('x')).toBe('new x');
    expect([sample(rollout, 'paused'), sample(rollout, 'pauses_total')]).toEqual([0, 1]);
    broken = true;
    // The failures before the pause are forgotten: the rate is counted anew.
    for (let i = 0; i < 2; i++) await rollout.run('x');
    expect(rollout.paused).toBe(false);
  });

  it('is not paused for few failures, old ones, or what the old function refuses, too', async () => {
    const clock = new ManualClock();
    let fails = true;
    const options: Partial<Options> = {
      percentage: 100,
      candidate: (input) => (fails ? fail() : `new ${input}`),
      clock,
      fallBack: { requestsMin: 2, failureRateMax: 0.5, windowMs: 1000 },
    };
    const rollout = rolloutOf(options);
    await rollout.run('x');
    fails = false;
    await rollout.run('x');
    fails = true;
    clock.advanceMs(1100);
    await rollout.run('x');
    expect(rollout.paused).toBe(false);
    const refusing = rolloutOf({
      ...options,
      old: () => {
        throw new Error('no picture');
      },
    });
    for (let i = 0; i < 10; i++) await expect(refusing.run('x')).rejects.toThrow('no picture');
    expect(refusing.paused).toBe(false);
  });

  it('can be resumed by hand', async () => {
    const rollout = rolloutOf({ percentage: 100, candidate: fail, fallBack: { requestsMin: 1 } });
    await rollout.run('x');
    expect(rollout.paused).toBe(true);
    rollout.resume();
    expect(rollout.paused).toBe(false);
  });
});

describe('shadow mode', () => {
  it('answers with the old function, and compares', async () => {
    const rollout = rolloutOf({
      percentage: 100,
      shadow: true,
      compare: (old, candidate) => (old.slice(4) === candidate.slice(4) ? 1 : 0),
    });
    expect(await rollout.run('x')).toBe('old x');
    await rollout.idle();
    expect(sample(rollout, 'comparisons_total', 'result="same"')).toBe(1);
    expect(sample(rollout, 'agreement_sum')).toBe(1);
    const role = 'route="candidate",role="shadow",outcome="success"';
    expect(sample(rollout, 'requests_total', role)).toBe(1);
  });

  it('does not wait for the candidate, and keeps its errors to itself', async () => {
    let reject = (_: Error): void => undefined;
    const rollout = rolloutOf({
      percentage: 100,
      shadow: true,
      candidate: () =>
        new Promise<string>((_, rejected) => {
          reject = rejected;
        }),
    });
    expect(await rollout.run('x')).toBe('old x');
    reject(new Error('late'));
    await rollout.idle();
    const role = 'route="candidate",role="shadow",outcome="failure"';
    expect(sample(rollout, 'requests_total', role)).toBe(1);
    expect(sample(rollout, 'fall_backs_total')).toBe(0);
  });

  it('pauses a candidate that fails often', async () => {
    const fallBack = { requestsMin: 2 };
    const rollout = rolloutOf({ percentage: 100, shadow: true, candidate: fail, fallBack });
    for (let i = 0; i < 2; i++) await rollout.run('x');
    await rollout.idle();
    expect(rollout.paused).toBe(true);
  });

  it('leaves comparisons out when too many are under way', async () => {
    const ends: (() => void)[] = [];
    const rollout = rolloutOf({
      percentage: 100,
      shadow: true,
      shadowsMax: 2,
      candidate: () => new Promise<string>((resolve) => ends.push(() => resolve('new'))),
    });
    for (let i = 0; i < 5; i++) await rollout.run('x');
    expect(ends).toHaveLength(2);
    expect(sample(rollout, 'shadows_dropped_total')).toBe(3);
    for (const end of ends) end();
    await rollout.idle();
  });
});

describe('comparison of what the candidate served', () => {
  it('asks the old function for the part that is asked for', async () => {
    const rollout = rolloutOf({
      percentage: 100,
      comparePercentage: 51,
      compare: () => 0.5,
      agreementMin: 0.6,
    });
    expect(await rollout.run('x')).toBe('new x');
    await rollout.idle();
    expect(sample(rollout, 'comparisons_total', 'result="different"')).toBe(1);
    expect(sample(rollout, 'agreement_sum')).toBe(0.5);
    const none = rolloutOf({ percentage: 100, comparePercentage: 50, compare: () => 1 });
    await none.run('x');
    await none.idle();
    expect(sample(none, 'agreement_count')).toBe(0);
  });

  it('takes answers that cannot be compared for different ones', async () => {
    const rollout = rolloutOf({ percentage: 100, comparePercentage: 100, compare: fail });
    await rollout.run('x');
    await rollout.idle();
    expect(sample(rollout, 'comparisons_total', 'result="different"')).toBe(1);
  });
});

describe('metrics', () => {
  it('tells durations by function', async () => {
    const clock = new ManualClock();
    const rollout = rolloutOf({
      percentage: 100,
      clock,
      candidate: async (input) => {
        clock.advanceMs(30);
        return input;
      },
    });
    await rollout.run('x');
    expect(sample(rollout, 'duration_seconds_bucket', 'route="candidate",le="0.025"')).toBe(0);
    expect(sample(rollout, 'duration_seconds_bucket', 'route="candidate",le="0.05"')).toBe(1);
    expect(sample(rollout, 'duration_seconds_bucket', 'route="candidate",le="+Inf"')).toBe(1);
    expect(sample(rollout, 'duration_seconds_sum', 'route="candidate"')).toBeCloseTo(0.03);
    expect(sample(rollout, 'duration_seconds_count', 'route="old"')).toBe(0);
    expect(sample(rollout, 'percentage')).toBe(100);
  });

  it('escapes its name', () => {
    expect(rolloutOf({ name: 'a"b\\c' }).metrics()).toContain('{rollout="a\\"b\\\\c"} 0');
  });
});
