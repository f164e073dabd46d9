import { type Tensor, TritonError } from '@nereid/protocol';
import { FakeScheduler, ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { InferResponse } from '../../core/infer-response.ts';
import type { ResponseCache } from '../../core/response-cache.ts';
import { ModelStatistics } from '../../observability/model-statistics.ts';
import { CachingScheduler } from './caching-scheduler.ts';

const output = (name: string, value = 1): Tensor => ({
  name,
  dataType: 'UINT8',
  shape: [1],
  data: Uint8Array.of(value),
});

/** A cache without a limit; a `remote` one answers when the test says so. */
class FakeCache implements ResponseCache {
  readonly shared = false;
  readonly entries = new Map<string, readonly Tensor[]>();
  readonly waiting: (() => void)[] = [];
  readonly remote: boolean;

  constructor(remote: boolean) {
    this.remote = remote;
  }

  lookup(key: string) {
    const found = () => this.entries.get(key) ?? null;
    if (!this.remote) return found();
    return new Promise<readonly Tensor[] | null>((resolve) => {
      this.waiting.push(() => resolve(found()));
    });
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  insert(key: string, outputs: readonly Tensor[]): void {
    this.entries.set(key, outputs);
  }

  async close(): Promise<void> {}

  async answerAll(): Promise<void> {
    for (const answer of this.waiting.splice(0)) answer();
    for (let i = 0; i < 4; i++) await Promise.resolve();
  }
}

function setUp({ remote = false, held = false, preserveOrdering = false, fail = false } = {}) {
  const clock = new ManualClock();
  const statistics = new ModelStatistics(clock);
  const cache = new FakeCache(remote);
  const inner = new FakeScheduler({ namespace: '', name: 'm', version: 1 }, (request) => {
    if (held) return null;
    if (fail) return new TritonError('INTERNAL', 'failed');
    return request.outputNames.map((name) => output(name, request.inputs[0]?.data[0]));
  });
  const scheduler = new CachingScheduler({
    modelName: 'm',
    modelVersion: '1',
    scope: 'm',
    scheduler: inner,
    cache,
    statistics,
    clock,
    preserveOrdering,
  });
  const answers: string[] = [];
  const send = (id: string, value: number, outputNames = ['X', 'Y']): Cancellation => {
    const cancellation = new Cancellation();
    const inputs = [{ ...output('IN', value) }];
    const request = { id, inputs, outputNames, batchSize: 1, cancellation, startNs: 0 };
    scheduler.enqueue(request as unknown as InferRequest, {
      respond: (response: InferResponse | null) => {
        const texts = response?.outputs.map(({ name, data }) => `${name}=${data[0]}`);
        answers.push(`${response?.id}: ${texts?.join()}${response?.whole === true ? ' kept' : ''}`);
      },
      fail: (error) => answers.push(`${id}: ${error.message}`),
    });
    return cancellation;
  };
  return { clock, statistics, cache, inner, scheduler, answers, send };
}

const counts = (statistics: ModelStatistics) => {
  const { success, cache_hit, cache_miss } = statistics.snapshot().inference_stats;
  return [success.count, cache_hit.count, cache_miss.count];
};

describe('CachingScheduler', () => {
  it('executes a request once, and answers it with its own id when it comes again', () => {
    const { send, answers, inner, statistics } = setUp();
    send('a', 5);
    send('b', 5);
    send('c', 6);
    expect(answers).toEqual(['a: X=5,Y=5', 'b: X=5,Y=5 kept', 'c: X=6,Y=6']);
    expect(inner.enqueued).toHaveLength(2);
    expect(counts(statistics)).toEqual([1, 1, 2]);
  });

  it('executes again for an output that the entry lacks, and then has both', () => {
    const { send, answers, inner } = setUp();
    send('a', 5, ['X']);
    send('b', 5, ['Y']);
    send('c', 5, ['X', 'Y']);
    send('d', 5, ['X']);
    expect(answers).toEqual(['a: X=5', 'b: Y=5', 'c: X=5,Y=5', 'd: X=5,Y=5 kept']);
    expect(inner.enqueued).toHaveLength(3);
  });

  it('keeps no errors', () => {
    const { send, answers, cache, statistics } = setUp({ fail: true });
    send('a', 5);
    send('b', 5);
    expect(answers).toEqual(['a: failed', 'b: failed']);
    expect(cache.entries.size).toBe(0);
    expect(counts(statistics)).toEqual([0, 0, 0]);
  });

  it('counts one miss for requests that were there at the same time', () => {
    const { send, inner, statistics } = setUp({ held: true });
    send('a', 5);
    send('b', 5);
    for (const { request, sink } of inner.enqueued) {
      sink.respond(inner.response(request, [output('X'), output('Y')]), true);
    }
    expect(counts(statistics)).toEqual([0, 0, 1]);
  });

  it('waits for a cache that is elsewhere, and for those who wait for it when it stops', async () => {
    const { send, answers, cache, scheduler, statistics } = setUp({ remote: true });
    send('a', 5);
    expect([answers.length, scheduler.pendingCount, scheduler.inflightCount]).toEqual([0, 1, 1]);
    let stopped = false;
    const stop = scheduler.stop().then(() => {
      stopped = true;
    });
    await Promise.resolve();
    expect(stopped).toBe(false);
    await cache.answerAll();
    expect(answers).toEqual(['a: X=5,Y=5']);
    await stop;
    expect(counts(statistics)).toEqual([0, 0, 1]);
  });

  it('does not answer from the cache who has gone', async () => {
    const { send, answers, cache, inner } = setUp({ remote: true });
    send('a', 5);
    await cache.answerAll();
    send('b', 5).cancel();
    await cache.answerAll();
    expect(answers[0]).toBe('a: X=5,Y=5');
    expect(inner.enqueued.map(({ request }) => request.id)).toEqual(['a', 'b']);
  });

  it('lets no hit overtake a miss where the order is kept', () => {
    const { send, answers, inner, cache } = setUp({ held: true, preserveOrdering: true });
    send('a', 5);
    const first = inner.enqueued[0]!;
    first.sink.respond(inner.response(first.request, [output('X'), output('Y')]), true);
    expect(cache.entries.size).toBe(1);
    send('b', 6);
    send('c', 5);
    expect(answers).toEqual(['a: X=1,Y=1']);
    const second = inner.enqueued[1]!;
    second.sink.respond(inner.response(second.request, [output('X', 2)]), true);
    expect(answers).toEqual(['a: X=1,Y=1', 'b: X=2', 'c: X=1,Y=1 kept']);
  });

  it('counts the time of a look as the time of the hit', () => {
    const { send, statistics, clock, cache } = setUp();
    send('a', 5);
    const lookup = cache.lookup.bind(cache);
    cache.lookup = (key) => {
      clock.advanceMs(3);
      return lookup(key);
    };
    send('b', 5);
    const { cache_hit, queue, success } = statistics.snapshot().inference_stats;
    expect([cache_hit, queue, success]).toEqual([
      { count: 1, ns: 3e6 },
      { count: 1, ns: 0 },
      { count: 1, ns: expect.any(Number) },
    ]);
  });
});
