import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyMemory } from '../packages/transport/src/body-memory.ts';
import type { ProtocolConnection } from '../packages/transport/src/connection-protocol.ts';
import { httpLimitDefaults } from '../packages/transport/src/http-limits.ts';
import { Http1Protocol } from '../packages/transport/src/http1/http1-protocol.ts';
import { noObserver } from '../packages/transport/src/response-observer.ts';
import { comparisonCases } from '../packages/transport/src/testing/node-comparison-cases.ts';

/** One request as a parser understood it; the body with each byte a character. */
interface Parsed {
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: string;
}

const memory = new BodyMemory(null);

/** The requests that reach a handler when bytes arrive in these pieces. */
function ownRequests(pieces: readonly Buffer[]): Parsed[] {
  const requests: Parsed[] = [];
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  const connection: ProtocolConnection = {
    limits: httpLimitDefaults,
    nowMs: 0,
    remoteAddress: '',
    isDrained: true,
    unsentBytes: 0,
    isOver: () => false,
    writeText: () => true,
    write: () => true,
    writeAll: () => true,
    end,
    destroy: end,
    pause: () => {},
    resume: () => {},
  };
  const protocol = new Http1Protocol(connection, {
    memory,
    observer: noObserver,
    handlerFailed: (error) => {
      throw error;
    },
    handler: {
      // Odd lengths are to be aligned, so that both ways of a body are taken.
      head: (request) =>
        Number(request.header('content-length')) % 2 === 1 ? { alignedOffset: 7 } : null,
      handle: (request, responder) => {
        const body = Buffer.from(request.body).toString('latin1');
        requests.push({ target: request.target, headers: [...request.headers()].flat(), body });
        responder.send(200, [], null);
      },
    },
  });
  for (const piece of pieces) if (!ended) protocol.read(piece);
  protocol.closed();
  return requests;
}

/** The parser inside node:http. It has no public name, but it is the one to be measured against. */
interface NodeParser {
  initialize(type: number, resource: object, headerBytesMax: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  [event: number]: (...args: never[]) => number | undefined;
}

const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as {
  HTTPParser: {
    new (): NodeParser;
    readonly REQUEST: number;
    readonly kOnHeaders: number;
    readonly kOnHeadersComplete: number;
    readonly kOnBody: number;
    readonly kOnMessageComplete: number;
    readonly kLenientNone: number;
  };
};

/** The requests that Node's parser completes before it refuses the rest, if it does. */
function nodeRequests(bytes: Buffer): Parsed[] {
  const requests: Parsed[] = [];
  let fields: string[] = [];
  let target = '';
  let body: Buffer[] = [];
  let headComplete = false;
  const parser = new HTTPParser();
  const { headerBytesMax } = httpLimitDefaults;
  parser.initialize(HTTPParser.REQUEST, {}, headerBytesMax, HTTPParser.kLenientNone);
  // Called for every 32 fields, and for trailers.
  parser[HTTPParser.kOnHeaders] = (more: string[], part: string) => {
    if (headComplete) return undefined;
    fields.push(...more);
    target += part;
    return undefined;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    more: string[] | undefined,
    _method: number,
    part: string | undefined,
  ) => {
    fields.push(...(more ?? []));
    target += part ?? '';
    headComplete = true;
    return 0;
  };
  parser[HTTPParser.kOnBody] = (piece: Buffer) => {
    body.push(Buffer.from(piece));
    return undefined;
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    requests.push({ target, headers: fields, body: Buffer.concat(body).toString('latin1') });
    fields = [];
    target = '';
    body = [];
    headComplete = false;
    return undefined;
  };
  parser.execute(bytes);
  return requests;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";
const token = fc.string({
  unit: fc.constantFrom(...tokenCharacters),
  minLength: 1,
  maxLength: 12,
});
const characterOf = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((code) => String.fromCharCode(code));
const valueCharacter = characterOf(0x20, 0xff).filter((character) => character !== '\x7f');
const framingNames = /^(host|connection|expect|content-length|transfer-encoding|upgrade)$/i;
const field = fc.tuple(
  token.filter((name) => !framingNames.test(name)),
  // Only blanks and tabs around a value are dropped: Latin-1 has more that JavaScript would trim.
  fc.string({ unit: valueCharacter, maxLength: 30 }).map((v) => v.replaceAll(/^ +| +$/g, '')),
);

interface WellFormed {
  readonly text: string;
  readonly parsed: Parsed;
}

function inChunks(text: string, size: number, extension: string, trailers: string): string {
  let framed = '';
  for (let at = 0; at < text.length; at += size) {
    const piece = text.slice(at, at + size);
    framed += `${piece.length.toString(16)}${extension}\r\n${piece}\r\n`;
  }
  return `${framed}0\r\n${trailers}\r\n`;
}

const wellFormed: fc.Arbitrary<WellFormed> = fc
  .record({
    target: fc.string({ unit: characterOf(0x21, 0x7e), maxLength: 30 }).map((rest) => `/${rest}`),
    fields: fc.array(field, { maxLength: 40 }),
    before: fc.constantFrom('', ' ', ' \t '),
    behind: fc.constantFrom('', ' ', '\t'),
    framing: fc.constantFrom('length', 'chunks', 'none'),
    body: fc.string({ unit: characterOf(0, 0xff), maxLength: 60 }),
    chunkSize: fc.integer({ min: 1, max: 20 }),
    extension: fc.constantFrom('', ';a', ';a=b', ';a="b c";d'),
    trailers: fc.constantFrom('', 'A: b\r\n', 'A:\r\nB: \xe9\r\n'),
  })
  .map((r) => {
    const lines = r.fields.map(([name, value]) => `${name}:${r.before}${value}${r.behind}`);
    const headers = ['Host', 'a', ...r.fields.flat()];
    let framed = '';
    if (r.framing === 'length') {
      lines.push(`content-LENGTH: ${r.body.length}`);
      headers.push('content-LENGTH', `${r.body.length}`);
      framed = r.body;
    } else if (r.framing === 'chunks') {
      lines.push('transfer-Encoding: Chunked');
      headers.push('transfer-Encoding', 'Chunked');
      framed = inChunks(r.body, r.chunkSize, r.extension, r.trailers);
    }
    const text = [`POST ${r.target} HTTP/1.1`, 'Host: a', ...lines, '', framed].join('\r\n');
    const body = r.framing === 'none' ? '' : r.body;
    return { text, parsed: { target: r.target, headers, body } };
  });

/** Cuts at fractions of the length. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const places = fractions.map((f) => Math.floor(f * bytes.length)).sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let start = 0;
  for (const end of [...places, bytes.length]) {
    if (end > start) pieces.push(Buffer.from(bytes.subarray(start, end)));
    start = end;
  }
  return pieces;
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true });

const strange = [
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', ',', '=', '"', '0', '1', 'f', '\x7f', '\x0b'],
  ...['\r\n ', '\r\n\r\n', '0\r\n\r\n', 'chunked', ', chunked', 'Connection: close\r\n'],
  ...['Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: b\r\n', 'x: y\r\n'],
  'GET /x HTTP/1.1\r\nHost: a\r\n\r\n',
];

/** A request of the comparison with some bytes changed. */
const mutated: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...comparisonCases.map(({ send }) => send).filter((s) => s.length < 1000)),
    fc.array(
      fc.record({
        place: fraction,
        atLineStart: fc.boolean(),
        remove: fc.integer({ min: 0, max: 4 }),
        insert: fc.oneof(fc.constantFrom('', ...strange), characterOf(0, 0xff)),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([text, changes]) => {
    let changed = text;
    for (const { place, atLineStart, remove, insert } of changes) {
      let at = Math.floor(place * changed.length);
      // Most rules are about where a line starts; whole lines are kept there.
      if (atLineStart) at = changed.lastIndexOf('\n', at) + 1;
      changed = changed.slice(0, at) + insert + changed.slice(atLineStart ? at : at + remove);
    }
    return changed;
  });

/** Node takes no tab behind a length, which RFC 9110 section 5.5 allows: no other length is meant. */
const tabBehindLength = /content-length:[ \t]*[0-9]+ *\t/i;

test('well-formed requests are understood as they were meant, and as Node does', () => {
  const requests = fc.array(wellFormed, { minLength: 1, maxLength: 4 });
  const cuts = fc.array(fraction, { maxLength: 12 });
  fc.assert(
    fc.property(requests, cuts, (meant, fractions) => {
      const bytes = bytesOf(meant.map(({ text }) => text).join(''));
      const expected = meant.map(({ parsed }) => parsed);
      expect(ownRequests(cut(bytes, fractions))).toEqual(expected);
      expect(nodeRequests(bytes)).toEqual(expected);
    }),
    { numRuns: 1_500 },
  );
});

test('what Node refuses, or understands otherwise, reaches no handler', () => {
  fc.assert(
    fc.property(mutated, (text) => {
      fc.pre(!tabBehindLength.test(text));
      const bytes = bytesOf(text);
      const own = ownRequests([bytes]);
      expect(own).toEqual(nodeRequests(bytes).slice(0, own.length));
    }),
    { numRuns: 25_000 },
  );
});
