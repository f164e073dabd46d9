import type { HttpStream } from '@nereid/transport';
import { expect, test } from 'vitest';
import { EventStream } from './event-stream.ts';

/** A reader that takes nothing until it is told to. */
class SlowStream implements HttpStream {
  readonly pieces: Buffer[] = [];
  ended = false;
  aborted = false;
  roomFor: number;
  #drained: (() => void)[] = [];

  constructor(roomFor: number) {
    this.roomFor = roomFor;
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.ended || this.aborted) throw new Error('over');
    this.pieces.push(Buffer.from(chunk as Uint8Array));
    return --this.roomFor > 0;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  end(): void {
    this.ended = true;
  }

  abort(): void {
    this.aborted = true;
  }

  async read(pieces: number): Promise<void> {
    this.roomFor = pieces;
    for (const resolve of this.#drained.splice(0)) resolve();
    await Promise.resolve();
    await Promise.resolve();
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }
}

test('events go out at once while there is room', () => {
  const stream = new SlowStream(10);
  const events = new EventStream(stream);
  events.send(Buffer.from('a'));
  events.send(Buffer.from('b'));
  events.end();
  expect(stream.text).toBe('data: a\n\ndata: b\n\n');
  expect(stream.ended).toBe(true);
});

test('events wait for room, and the end for them', async () => {
  const stream = new SlowStream(1);
  const events = new EventStream(stream);
  for (const letter of ['a', 'b', 'c']) events.send(Buffer.from(letter));
  events.end();
  expect(stream.text).toBe('data: a\n\n');
  await stream.read(1);
  expect(stream.text).toBe('data: a\n\ndata: b\n\n');
  expect(stream.ended).toBe(false);
  await stream.read(2);
  expect(stream.text).toBe('data: a\n\ndata: b\n\ndata: c\n\n');
  expect(stream.ended).toBe(true);
});

test('a large event goes out piece by piece', async () => {
  const stream = new SlowStream(1);
  const events = new EventStream(stream);
  const large = Buffer.alloc(1_000_000, 'x');
  events.send(large);
  events.end();
  expect(stream.pieces.map(({ length }) => length)).toEqual([262_144]);
  await stream.read(100);
  expect(stream.text).toBe(`data: ${large}\n\n`);
  expect(Math.max(...stream.pieces.map(({ length }) => length))).toBe(262_144);
});

test('one event may be larger than what may wait; then the connection is cut', async () => {
  const stream = new SlowStream(1);
  const events = new EventStream(stream);
  events.send(Buffer.alloc(70_000_000));
  expect(stream.aborted).toBe(false);
  events.send(Buffer.from('a'));
  expect(stream.aborted).toBe(true);
  events.send(Buffer.from('b'));
  events.end();
  await stream.read(10);
  expect(stream.pieces).toHaveLength(1);
  expect(stream.ended).toBe(false);
});
