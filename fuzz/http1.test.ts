import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyMemory } from '../packages/transport/src/body-memory.ts';
import type { ProtocolConnection } from '../packages/transport/src/connection-protocol.ts';
import { compileHttpLimits } from '../packages/transport/src/http-limits.ts';
import { Http1Protocol } from '../packages/transport/src/http1/http1-protocol.ts';
import type { HttpHandler, HttpRequest } from '../packages/transport/src/index.ts';
import { noObserver } from '../packages/transport/src/response-observer.ts';
import { comparisonCases } from '../packages/transport/src/testing/node-comparison-cases.ts';

const limits = compileHttpLimits({
  headerBytesMax: 600,
  headerCountMax: 12,
  targetBytesMax: 100,
  bodyBytesMax: 2_000,
  chunkCountMax: 8,
  chunkExtensionBytesMax: 30,
  trailerBytesMax: 60,
});

/** A connection whose client reads everything at once. */
class FakeConnection implements ProtocolConnection {
  readonly limits = limits;
  readonly nowMs = 0;
  readonly remoteAddress = '';
  readonly isDrained = true;
  readonly unsentBytes = 0;
  output = '';
  ended = false;

  isOver(): boolean {
    return false;
  }

  writeText(text: string): boolean {
    if (!this.ended) this.output += text;
    return true;
  }

  write(bytes: Uint8Array): boolean {
    return this.writeText(Buffer.from(bytes).toString('latin1'));
  }

  writeAll(parts: readonly Uint8Array[]): boolean {
    return this.write(Buffer.concat(parts));
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.ended = true;
  }

  pause(): void {}

  resume(): void {}
}

interface Outcome {
  readonly requests: readonly string[];
  readonly output: string;
  readonly ended: boolean;
}

function describeRequest(request: HttpRequest): string {
  const { method, target, path, query, httpVersion, body } = request;
  const headers = [...request.headers()];
  for (const [name] of headers) {
    if (request.header(name.toLowerCase()) === null) throw new Error(`lost header ${name}`);
  }
  const text = Buffer.from(body).toString('latin1');
  return JSON.stringify([method, target, path, query, httpVersion, headers, text]);
}

/** How a server takes the pieces, with answers that come at once or later. */
async function outcomeOf(
  pieces: readonly Buffer[],
  alignedOffset: number | null,
  later: boolean,
): Promise<Outcome> {
  const requests: string[] = [];
  const connection = new FakeConnection();
  const failures: unknown[] = [];
  const handler: HttpHandler = {
    head: () => (alignedOffset === null ? null : { alignedOffset }),
    handle(request, responder) {
      requests.push(describeRequest(request));
      if (alignedOffset !== null && request.body.length > 0) {
        expect((request.body.byteOffset + alignedOffset) % 64).toBe(0);
      }
      const send = (): void => responder.send(200, [], request.body);
      if (later) setImmediate(send);
      else send();
    },
  };
  const protocol = new Http1Protocol(connection, {
    handler,
    memory: new BodyMemory(null),
    observer: noObserver,
    handlerFailed: (error) => failures.push(error),
  });
  for (const piece of pieces) if (!connection.ended) protocol.read(Buffer.from(piece));
  while (later) {
    const before = requests.length;
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    if (requests.length === before) break;
  }
  if (!connection.ended) protocol.readEnd();
  protocol.closed();
  expect(failures).toEqual([]);
  // Who has sent the body already is not asked for it.
  const output = connection.output.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '');
  return { requests, output, ended: connection.ended };
}

const corpus = comparisonCases.map(({ send }) => send).filter((send) => send.length < 1_000);

type Mutation = readonly ['cut' | 'insert' | 'repeat' | 'flip', number, number, string];

const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom('cut', 'insert', 'repeat', 'flip'),
  fc.nat(1_000),
  fc.nat(40),
  fc.oneof(
    fc.constantFrom(
      '\r\n',
      '\r',
      '\n',
      '\0',
      ' ',
      ':',
      ';a="b"',
      ',',
      '0\r\n\r\n',
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: close\r\n',
      'Expect: 100-continue\r\n',
      '\r\n\r\nGET /x HTTP/1.1\r\nHost: b\r\n\r\n',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 8 }),
  ),
);

function mutate(text: string, [kind, place, count, insert]: Mutation): string {
  const at = place % (text.length + 1);
  const before = text.slice(0, at);
  const after = text.slice(at);
  if (kind === 'cut') return before + after.slice(count);
  if (kind === 'insert') return before + insert + after;
  if (kind === 'repeat') return before + after.slice(0, count).repeat(2) + after.slice(count);
  return before + String.fromCharCode(after.charCodeAt(0) ^ (1 << (count % 8))) + after.slice(1);
}

const conversation: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.array(fc.constantFrom(...corpus), { minLength: 1, maxLength: 3 }),
    fc.array(mutation, { maxLength: 4 }),
  )
  .map(([texts, mutations]) => Buffer.from(mutations.reduce(mutate, texts.join('')), 'latin1'));

/** Cuts the bytes into pieces of these sizes, over and over. */
function split(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const end = at + sizes[index % sizes.length]!;
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

const sizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 90 })), {
  minLength: 1,
  maxLength: 6,
});

describe('HTTP/1.1, whatever arrives', () => {
  test('is understood alike however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, sizes, fc.option(fc.nat(70)), async (bytes, cut, offset) => {
        const whole = await outcomeOf([bytes], offset, false);
        expect(await outcomeOf(split(bytes, cut), offset, false)).toEqual(whole);
      }),
      { numRuns: 4_000 },
    );
  });

  test('is understood alike whether handlers answer at once or later', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, sizes, async (bytes, cut) => {
        const whole = await outcomeOf([bytes], null, false);
        // An early end aborts what is being handled: then only the end may be missing.
        const later = await outcomeOf(split(bytes, cut), null, true);
        expect(later.requests).toEqual(whole.requests);
        expect(later.output).toBe(whole.output);
      }),
      { numRuns: 1_000 },
    );
  });

  test('may be any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), sizes, async (bytes, cut) => {
        const buffer = Buffer.from(bytes);
        expect(await outcomeOf(split(buffer, cut), null, false)).toEqual(
          await outcomeOf([buffer], null, false),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});
