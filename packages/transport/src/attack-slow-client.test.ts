import { afterEach, expect, test } from 'vitest';
import { eventually } from '../../test-kit/src/eventually.ts';
import { ManualClock } from '../../test-kit/src/manual-clock.ts';
import type { HttpLimits } from './http-limits.ts';
import { type HttpHandler, HttpServer, httpLimitDefaults } from './index.ts';
import { WireClient } from './testing/wire-client.ts';

const timeouts = {
  idleTimeoutMs: 60_000,
  headerTimeoutMs: 20_000,
  bodyTimeoutMs: 30_000,
  writeTimeoutMs: 10_000,
  lingerTimeoutMs: 4_000,
} satisfies Partial<HttpLimits>;
/** How late a timeout may be. */
const slackMs = 5_000;

const ok: HttpHandler = {
  handle: (request, responder) => responder.send(200, [], `${request.body.length}`),
};

let clock = new ManualClock();
let server: HttpServer | null = null;

async function connect(handler: HttpHandler = ok): Promise<WireClient> {
  clock = new ManualClock();
  server = new HttpServer(handler, { limits: timeouts, clock });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return WireClient.open(port);
}

afterEach(async () => {
  const closed = server?.close({ graceMs: 0 });
  clock.advanceMs(1);
  await closed;
  server = null;
});

/** Gives the sockets of both sides time to pass on what was sent. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the clock until the condition holds, and says how far; at most two minutes. */
async function timeUntil(condition: () => boolean): Promise<number> {
  await settle();
  let elapsedMs = 0;
  while (!condition() && elapsedMs < 120_000) {
    clock.advanceMs(500);
    elapsedMs += 500;
    await settle();
  }
  return elapsedMs;
}

function expectAbout(elapsedMs: number, timeoutMs: number): void {
  expect(elapsedMs).toBeGreaterThanOrEqual(timeoutMs);
  expect(elapsedMs).toBeLessThanOrEqual(timeoutMs + slackMs);
}

test('a connection that never says anything is closed', async () => {
  const client = await connect();
  client.socket.once('end', () => client.socket.end());
  expectAbout(await timeUntil(() => client.closed), timeouts.idleTimeoutMs);
  expect(client.received.length).toBe(0);
});

test('a connection that says nothing more is closed', async () => {
  const client = await connect();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.response();
  expectAbout(await timeUntil(() => client.closed), timeouts.idleTimeoutMs);
  expect(client.responses).toHaveLength(1);
});

test('a header that trickles in is answered 408, however it trickles', async () => {
  const client = await connect();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n');
  await settle();
  let elapsedMs = 0;
  while (client.responses.length === 0 && elapsedMs < 120_000) {
    await client.send('x: y\r\n');
    clock.advanceMs(1000);
    elapsedMs += 1000;
    await settle();
  }
  expectAbout(elapsedMs, timeouts.headerTimeoutMs);
  expect(client.responses[0]?.status).toBe(408);
  await timeUntil(() => client.closed);
  expect(client.closed).toBe(true);
});

test('blank lines without end do not keep a connection', async () => {
  const client = await connect();
  let elapsedMs = 0;
  while (!client.closed && elapsedMs < 120_000) {
    client.socket.write('\r\n');
    clock.advanceMs(1000);
    elapsedMs += 1000;
    await settle();
  }
  expect(elapsedMs).toBeLessThanOrEqual(
    timeouts.idleTimeoutMs + timeouts.lingerTimeoutMs + slackMs,
  );
});

test('one byte and then silence is answered 408', async () => {
  const client = await connect();
  await client.send('P');
  expectAbout(
    await timeUntil(() => client.closed || client.received.length > 0),
    timeouts.headerTimeoutMs,
  );
});

test.each([
  ['of known length', 'Content-Length: 1000000', 'x'],
  ['in chunks', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
])(
  'a body %s that trickles in is answered 408, however little it pauses',
  async (_, field, piece) => {
    const client = await connect();
    await client.send(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n${piece}`);
    await settle();
    let elapsedMs = 0;
    while (client.responses.length === 0 && elapsedMs < 120_000) {
      await client.send(piece);
      clock.advanceMs(1000);
      elapsedMs += 1000;
      await settle();
    }
    expectAbout(elapsedMs, timeouts.bodyTimeoutMs);
    expect(client.responses[0]?.status).toBe(408);
  },
);

test('a body that keeps the pace may take as long as it needs', async () => {
  const client = await connect();
  const seconds = 90;
  const pieceBytes = httpLimitDefaults.bodyBytesPerSecondMin;
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${seconds * pieceBytes}\r\n\r\n`;
  await client.send(head);
  for (let second = 0; second < seconds; second++) {
    expect(client.responses).toHaveLength(0);
    await client.send('x'.repeat(pieceBytes));
    await settle();
    clock.advanceMs(1000);
  }
  expect((await client.response()).status).toBe(200);
});

test('a body of known length that stops is answered 408', async () => {
  const client = await connect();
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe');
  expectAbout(await timeUntil(() => client.responses.length > 0), timeouts.bodyTimeoutMs);
  expect(client.responses[0]?.status).toBe(408);
});

test('a chunked body that stops is answered 408', async () => {
  const client = await connect();
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe');
  expectAbout(await timeUntil(() => client.responses.length > 0), timeouts.bodyTimeoutMs);
  expect(client.responses[0]?.status).toBe(408);
});

test('a handler may take its time', async () => {
  let answer: (() => void) | null = null;
  const client = await connect({
    handle: (_, responder) => {
      answer = () => responder.send(200, [], 'late');
    },
  });
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => answer !== null);
  clock.advanceMs(3_600_000);
  await settle();
  expect(client.closed).toBe(false);
  answer!();
  expect((await client.response()).body.toString()).toBe('late');
});

test('who does not read a large response is cut off after the write timeout', async () => {
  let handled = false;
  let aborted = false;
  const client = await connect({
    handle: (request, responder) => {
      handled = true;
      request.onAborted(() => {
        aborted = true;
      });
      responder.send(200, [], Buffer.alloc(64 * 1024 * 1024));
    },
  });
  client.socket.pause();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => handled);
  expect(server!.connectionCount).toBe(1);
  const elapsedMs = await timeUntil(() => server!.connectionCount === 0);
  expectAbout(elapsedMs, timeouts.writeTimeoutMs);
  // The whole response was handed over: nothing is left that could be called off.
  expect(aborted).toBe(false);
});

test('who does not read a stream holds it up, and its signal tells when it is cut off', async () => {
  let written = 0;
  let aborted = false;
  let finished: Promise<void> | null = null;
  const client = await connect({
    handle: (request, responder) => {
      request.signal.addEventListener('abort', () => {
        aborted = true;
      });
      const stream = responder.stream(200, []);
      const pump = async (): Promise<void> => {
        while (!request.aborted) {
          written += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) await stream.drained();
        }
      };
      finished = pump();
    },
  });
  client.socket.pause();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await settle();
  await timeUntil(() => aborted);
  expect(aborted).toBe(true);
  // What kernels take for both sockets, and not more.
  expect(written).toBeLessThan(32 * 1024 * 1024);
  await finished;
});

test('a stream that ignores the reader is cut off at its limit', async () => {
  let aborted = false;
  const client = await connect({
    handle: (request, responder) => {
      request.onAborted(() => {
        aborted = true;
      });
      const stream = responder.stream(200, []);
      for (let piece = 0; piece < 64; piece++) stream.write(Buffer.alloc(1024 * 1024));
    },
  });
  client.socket.pause();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => aborted);
  expect(server!.connectionCount).toBe(0);
});

test('a client that reads a large response slowly gets all of it', async () => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'nereid');
  const client = await connect({ handle: (_, responder) => responder.send(200, [], body) });
  client.socket.pause();
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  while (client.received.length < body.length) {
    client.socket.resume();
    await settle();
    client.socket.pause();
    clock.advanceMs(2_000);
    await settle();
    if (client.closed) break;
  }
  client.socket.resume();
  expect((await client.response()).body.equals(body)).toBe(true);
});
