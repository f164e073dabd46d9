import { expect, test } from 'vitest';
import { BodyMemory } from '../body-memory.ts';
import type { ProtocolConnection } from '../connection-protocol.ts';
import type { HttpResponder } from '../http-handler.ts';
import { compileHttpLimits } from '../http-limits.ts';
import { noObserver } from '../response-observer.ts';
import { Http1Protocol } from './http1-protocol.ts';

const get = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

/** A connection whose reader can be held up. */
class FakeConnection implements ProtocolConnection {
  readonly limits = compileHttpLimits({ pipelineBytesMax: 100 });
  readonly nowMs = 0;
  readonly remoteAddress = '';
  readonly unsentBytes = 0;
  isDrained = true;
  paused = false;
  output = '';

  isOver(): boolean {
    return false;
  }

  writeText(text: string): boolean {
    this.output += text;
    return this.isDrained;
  }

  write(bytes: Uint8Array): boolean {
    return this.writeText(Buffer.from(bytes).toString('latin1'));
  }

  writeAll(parts: readonly Uint8Array[]): boolean {
    return this.write(Buffer.concat(parts));
  }

  end(): void {}

  destroy(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

function open(): { connection: FakeConnection; protocol: Http1Protocol; held: HttpResponder[] } {
  const connection = new FakeConnection();
  const held: HttpResponder[] = [];
  const protocol = new Http1Protocol(connection, {
    handler: { handle: (_, responder) => void held.push(responder) },
    memory: new BodyMemory(null),
    observer: noObserver,
    handlerFailed: (error) => {
      throw error;
    },
  });
  return { connection, protocol, held };
}

test('requests wait for the one being handled; reading stops when they are too many', async () => {
  const { connection, protocol, held } = open();
  protocol.read(get);
  for (let count = 0; count < 3; count++) protocol.read(get);
  expect([held.length, connection.paused]).toEqual([1, false]);
  protocol.read(get);
  expect([held.length, connection.paused]).toEqual([1, true]);
  for (let count = 1; count <= 5; count++) {
    expect(held).toHaveLength(count);
    held[count - 1]!.send(200, [], null);
    await Promise.resolve();
  }
  expect([held.length, connection.paused]).toEqual([5, false]);
});

test('a reader that catches up with a stream does not let more requests in than fit', () => {
  const { connection, protocol, held } = open();
  protocol.read(get);
  const stream = held[0]!.stream(200, []);
  protocol.read(Buffer.concat(Array(10).fill(get)));
  expect(connection.paused).toBe(true);
  connection.isDrained = false;
  expect(stream.write('x')).toBe(false);
  connection.isDrained = true;
  protocol.drained();
  expect(connection.paused).toBe(true);
});

test('a response that its reader does not take holds up reading and the next request', async () => {
  const { connection, protocol, held } = open();
  protocol.read(Buffer.concat([get, get]));
  connection.isDrained = false;
  held[0]!.send(200, [], 'x');
  await Promise.resolve();
  expect([held.length, connection.paused]).toEqual([1, true]);
  connection.isDrained = true;
  protocol.drained();
  await Promise.resolve();
  expect([held.length, connection.paused]).toEqual([2, false]);
});
