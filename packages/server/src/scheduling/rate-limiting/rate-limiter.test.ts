import type { TritonError } from '@nereid/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BackendInstance } from '../../core/backend.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import type { Turn } from '../turn.ts';
import { RateLimitedInstances } from './rate-limited-instances.ts';
import { type LimitedInstance, RateLimiter } from './rate-limiter.ts';
import type { ResourceLimit, ResourceNeed } from './resource-pool.ts';

/** Turns that end when the test says so. */
class ManualTurn implements Turn {
  #callbacks: (() => void)[] = [];

  atEnd(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Ends turns, and lets promises go on, until nothing is left to do. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      for (let i = 0; i < 6; i++) await Promise.resolve();
      const callbacks = this.#callbacks;
      this.#callbacks = [];
      if (callbacks.length > 0) quiet = -1;
      for (const callback of callbacks) callback();
    }
  }
}

/** Runs until told to end; answers then. */
class HeldInstance implements BackendInstance {
  readonly name: string;
  runCount = 0;
  #end: (() => void) | null = null;

  constructor(name: string) {
    this.name = name;
  }

  get running(): boolean {
    return this.#end !== null;
  }

  execute(batch: readonly Execution[]): Promise<void> {
    if (this.#end !== null) throw new Error(`${this.name} runs already`);
    this.runCount++;
    return new Promise((resolve) => {
      this.#end = () => {
        this.#end = null;
        for (const { sink } of batch) sink.respond(null, true);
        resolve();
      };
    });
  }

  end(): void {
    this.#end?.();
  }
}

const need = (count: number, name = 'r', device: number | null = 0): ResourceNeed => ({
  name,
  device,
  count,
});
const limit = (count: number, name = 'r', device: number | null = null): ResourceLimit => ({
  name,
  device,
  count,
});

function limited(name: string, needs: readonly ResourceNeed[], priority = 1) {
  return { instance: new HeldInstance(name), needs, priority } satisfies LimitedInstance;
}

/** One request; counts its answers. */
function request() {
  const cancellation = new Cancellation();
  const answers: string[] = [];
  const execution = {
    request: { cancellation },
    sink: {
      respond: () => answers.push('ok'),
      fail: (error: TritonError) => answers.push(error.code),
    },
  } as unknown as Execution;
  return { execution, answers, cancellation };
}

const group = (limiter: RateLimiter, members: readonly LimitedInstance[], bound = false) =>
  new RateLimitedInstances('m', members, limiter, bound);

describe('RateLimiter', () => {
  it('lets run at once what has its resources, and holds back what has not', async () => {
    const turn = new ManualTurn();
    const limiter = new RateLimiter({ limits: [limit(2)], turn });
    const [a, b] = [limited('a', [need(2)]), limited('b', [need(1)])];
    const [first, second] = [group(limiter, [a]), group(limiter, [b])];
    void first.instances[0]?.execute([request().execution]);
    void second.instances[0]?.execute([request().execution]);
    expect([a.instance.running, b.instance.running]).toEqual([true, false]);
    a.instance.end();
    await turn.settle();
    expect(b.instance.running).toBe(true);
  });

  it('runs an instance of priority 2 half as often as one of 1 when both always have work', async () => {
    const turn = new ManualTurn();
    const limiter = new RateLimiter({ limits: [], turn });
    const members = [limited('a', [need(1)], 1), limited('b', [need(1)], 2)];
    for (const member of members) {
      const [slot] = group(limiter, [member]).instances;
      const again = (): void => void slot?.execute([request().execution])?.then(again);
      again();
    }
    for (let i = 0; i < 300; i++) {
      await turn.settle();
      const running = members.filter(({ instance }) => instance.running);
      expect(running).toHaveLength(1);
      running[0]?.instance.end();
    }
    const [a = 0, b = 0] = members.map(({ instance }) => instance.runCount);
    expect([a, b]).toEqual([expect.closeTo(200, -1), expect.closeTo(100, -1)]);
  });

  it('gives one model’s work to the instance that ran least, by priority', async () => {
    const turn = new ManualTurn();
    const limiter = new RateLimiter({ limits: [], turn });
    const members = [limited('a', [], 1), limited('b', [], 3)];
    const { instances } = group(limiter, members);
    for (let i = 0; i < 80; i++) {
      void instances[0]?.execute([request().execution]);
      for (const { instance } of members) instance.end();
      await turn.settle();
    }
    expect(members.map(({ instance }) => instance.runCount)).toEqual([60, 20]);
  });

  it('keeps each instance to itself where it is bound', () => {
    const limiter = new RateLimiter({ limits: [], turn: new ManualTurn() });
    const members = [limited('a', []), limited('b', [])];
    const { instances } = group(limiter, members, true);
    void instances[1]?.execute([request().execution]);
    expect(members.map(({ instance }) => instance.running)).toEqual([false, true]);
  });

  it('does not let a newcomer make up for the past of the others', async () => {
    const turn = new ManualTurn();
    const limiter = new RateLimiter({ limits: [], turn });
    const old = limited('old', [need(1)]);
    const [slot] = group(limiter, [old]).instances;
    for (let i = 0; i < 100; i++) {
      void slot?.execute([request().execution]);
      await turn.settle();
      old.instance.end();
      await turn.settle();
    }
    const young = limited('young', [need(1)]);
    const [other] = group(limiter, [young]).instances;
    for (const own of [slot, other]) {
      const again = (): void => void own?.execute([request().execution])?.then(again);
      again();
    }
    for (let i = 0; i < 20; i++) {
      await turn.settle();
      old.instance.end();
      young.instance.end();
    }
    expect(old.instance.runCount).toBeGreaterThan(105);
  });

  it('lets a batch wait while an instance leaves, and drops that one when it ends', async () => {
    const turn = new ManualTurn();
    const limiter = new RateLimiter({ limits: [], turn });
    const members = [limited('a', []), limited('b', [])] as const;
    const own = group(limiter, members);
    const [first, second] = own.instances as readonly [BackendInstance, BackendInstance];
    void first.execute([request().execution]);
    void second.execute([request().execution]);
    let gone = false;
    const user = { replaceInstances: async () => {} };
    void own.remove([members[0]], user).then(() => {
      gone = true;
    });
    const third = request();
    void first.execute([third.execution]);
    expect(own.instances).toEqual([second]);
    members[0].instance.end();
    await turn.settle();
    expect([gone, members[0].instance.runCount, third.answers]).toEqual([true, 1, []]);
    members[1].instance.end();
    await turn.settle();
    members[1].instance.end();
    expect(third.answers).toEqual(['ok']);
  });

  it('answers a batch that everybody gave up while it waits, and lets the others on', async () => {
    const turn = new ManualTurn();
    const limiter = new RateLimiter({ limits: [], turn });
    const members = ['a', 'b'].map((name) => limited(name, [need(1)]));
    const [a, b] = members.map((member) => group(limiter, [member]).instances[0]);
    const [running, waiting] = [request(), request()];
    void a?.execute([running.execution]);
    let free = false;
    void b?.execute([waiting.execution])?.then(() => {
      free = true;
    });
    waiting.cancellation.cancel();
    await turn.settle();
    expect([waiting.answers, free]).toEqual([['CANCELLED'], true]);
    members[0]?.instance.end();
    await turn.settle();
    expect([running.answers, members[1]?.instance.runCount]).toEqual([['ok'], 0]);
  });

  it.each([
    [
      [limit(1)],
      [need(2)],
      'Resource count for "r" is limited to 1 which will prevent scheduling of one or more model instances, the minimum required count is 2',
    ],
    [[limit(9, 'other')], [need(2)], 'Resource count for "r" is limited to 0 which'],
    [[limit(9, 'r', 1)], [need(2)], 'Resource count for "r" is limited to 0 which'],
    [
      [],
      [need(1), need(1, 'r', null)],
      'Resource "r" is present as both global and device-specific resource in the model configuration.',
    ],
  ])('refuses an instance that could never run: %o %o', (limits, needs, text) => {
    const limiter = new RateLimiter({ limits, turn: new ManualTurn() });
    const refused = (): unknown => group(limiter, [limited('a', []), limited('b', needs)]);
    expect(refused).toThrow(expect.objectContaining({ code: 'INVALID_ARG' }));
    expect(refused).toThrow(text);
    expect(() => group(limiter, [limited('c', [])])).not.toThrow();
  });

  it('never gives out more than there is, starves nobody, answers everything once', async () => {
    const names = ['r', 's', 'G'];
    const needsOf = fc.array(
      fc.record({ name: fc.constantFrom(...names), count: fc.integer({ min: 0, max: 3 }) }),
      { maxLength: 2 },
    );
    const models = fc.array(
      fc.record({
        needs: needsOf,
        priority: fc.integer({ min: 1, max: 4 }),
        instances: fc.integer({ min: 1, max: 3 }),
        requests: fc.integer({ min: 0, max: 6 }),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const choices = fc.infiniteStream(fc.nat());
    await fc.assert(
      fc.asyncProperty(models, fc.boolean(), choices, async (described, explicit, choose) => {
        const next = (): number => choose.next().value as number;
        const turn = new ManualTurn();
        const limits = explicit ? names.map((name) => limit(4, name.toLowerCase())) : [];
        const limiter = new RateLimiter({ limits, turn });
        const all: ReturnType<typeof limited>[] = [];
        const requests: ReturnType<typeof request>[] = [];
        for (const [
          index,
          { needs, priority, instances, requests: count },
        ] of described.entries()) {
          const byName = new Map(
            needs.map(({ name, count: needed }) => [
              name,
              need(needed, name, name === 'G' ? null : 0),
            ]),
          );
          const members = Array.from({ length: instances }, (_, i) =>
            limited(`${index}.${i}`, [...byName.values()], priority),
          );
          all.push(...members);
          const slots = [...group(limiter, members).instances];
          const queue = Array.from({ length: count }, request);
          requests.push(...queue);
          const pump = (slot: BackendInstance): void => {
            const first = queue.shift();
            if (first === undefined) return;
            void slot.execute([first.execution])?.then(() => pump(slot));
            if (next() % 5 === 0) first.cancellation.cancel();
          };
          for (const slot of slots) pump(slot);
        }
        const most = new Map<string, number>();
        for (const { needs } of all) {
          for (const { name, count } of needs) {
            most.set(name, explicit ? 4 : Math.max(count, most.get(name) ?? 0));
          }
        }
        for (let step = 0; ; step++) {
          await turn.settle();
          const running = all.filter(({ instance }) => instance.running);
          const taken = new Map<string, number>();
          for (const { name, count } of running.flatMap(({ needs }) => needs)) {
            taken.set(name, (taken.get(name) ?? 0) + count);
          }
          for (const [name, count] of taken) expect(count).toBeLessThanOrEqual(most.get(name) ?? 0);
          if (running.length === 0) break;
          expect(step).toBeLessThan(200);
          running[next() % running.length]?.instance.end();
        }
        for (const { answers } of requests) expect(answers).toHaveLength(1);
      }),
    );
  });
});
