import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { LinkEnd } from './link-end.ts';
import { type LinkMemory, linkDirection, newLinkMemory } from './link-memory.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Both ends, in one thread: what one sends lies there until the other looks. */
function newLink(memory: LinkMemory = newLinkMemory()) {
  const { port1, port2 } = new MessageChannel();
  closing.push(() => port1.close());
  const arrived: (number | string)[] = [];
  const unused = () => {
    throw new Error('nothing comes back');
  };
  const [outgoing, incoming] = [
    linkDirection(memory, 'toThread'),
    linkDirection(memory, 'toServer'),
  ];
  const sender = new LinkEnd<never>({
    port: port1,
    outgoing,
    incoming,
    ofPost: unused,
    ofEntry: unused,
    received: unused,
  });
  const receiver = new LinkEnd<number | string>({
    port: port2,
    outgoing: incoming,
    incoming: outgoing,
    ofPost: ([{ value }]: readonly [object & { value?: number }, ...unknown[]]) => value ?? -1,
    ofEntry: (entry, names) => {
      const name = names.name(entry.number());
      return name === '' ? entry.number() : name;
    },
    received: (message) => arrived.push(message),
  });
  const byRing = (value: number | string): boolean => {
    const writer = sender.begin();
    writer.number(sender.nameNumber(typeof value === 'string' ? value : ''));
    if (typeof value === 'number') writer.number(value);
    return sender.commit();
  };
  const byPort = (value: number): void => sender.post([{ value }, null, []], []);
  return { sender, receiver, arrived, byRing, byPort, port1, port2 };
}

describe('messages by the ring and by the port', () => {
  it('arrive in the order in which they were sent', () => {
    const steps = fc.array(fc.constantFrom('ring', 'port', 'drain'), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (all) => {
        const { receiver, arrived, byRing, byPort } = newLink();
        const expected: number[] = [];
        all.forEach((step, index) => {
          if (step === 'drain') receiver.drain();
          else expected.push(index);
          if (step === 'ring') expect(byRing(index)).toBe(true);
          if (step === 'port') byPort(index);
        });
        receiver.drain();
        expect(arrived).toEqual(expected);
        expect(receiver.hasMore).toBe(false);
      }),
    );
  });

  it('arrive so when the port is heard first', async () => {
    const { receiver, arrived, byRing, byPort, port2 } = newLink();
    byRing(1);
    byPort(2);
    byRing(3);
    await new Promise<void>((resolve) => {
      port2.on('message', (message) => {
        receiver.fromPort(message);
        receiver.drain();
        if (arrived.length === 3) resolve();
      });
    });
    expect(arrived).toEqual([1, 2, 3]);
  });

  it('tell each name once', () => {
    const { receiver, arrived, byRing } = newLink();
    for (const name of ['image', 'label', 'image']) byRing(name);
    receiver.drain();
    expect(arrived).toEqual(['image', 'label', 'image']);
  });
});

describe('a receiver that rests', () => {
  it('is woken by the port, once for all that comes meanwhile', async () => {
    const { receiver, byRing, arrived, port2 } = newLink();
    let wakes = 0;
    const woken = new Promise<void>((resolve) => {
      port2.on('message', (message) => {
        if (message === null) wakes++;
        receiver.fromPort(message);
        receiver.drain();
        if (arrived.length === 3) resolve();
      });
    });
    byRing(0);
    receiver.drain();
    expect(receiver.rest()).toBe(true);
    byRing(1);
    byRing(2);
    await woken;
    expect(wakes).toBe(1);
    expect(arrived).toEqual([0, 1, 2]);
  });

  it('does not rest while there is something', () => {
    const { receiver, byRing } = newLink();
    byRing(1);
    expect(receiver.rest()).toBe(false);
    expect(receiver.waitFor(60_000)).toBe(true);
    receiver.drain();
    expect(receiver.waitFor(1)).toBe(false);
  });
});

it('refuses an entry that was not sent', () => {
  const memory = newLinkMemory();
  const { receiver, byRing } = newLink(memory);
  byRing(1);
  new Float64Array(memory.toThread)[0] = 17;
  expect(() => receiver.drain()).toThrow('is missing');
});
