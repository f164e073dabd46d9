import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalServer, localServer, serveContent } from '../testing/local-server.ts';
import { fetchBytes, fetchJson } from './http-fetch.ts';
import { HttpFile } from './http-file.ts';
import { DownloadError, type RemoteFile } from './remote-file.ts';
import { type TransferHooks, transferFile } from './transfer-file.ts';

const content = Buffer.from(
  Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff),
);
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const sha256 = digestOf(content);
const tag = { etag: '"one"' };

let folder: string;
let server: LocalServer | null = null;
let waits: number[];
let retries: string[];
/** An answer that breaks off when more than so many bytes of the file have been written. */
let breaking: { readonly response: ServerResponse; readonly from: number } | null = null;
const hooks = (signal = new AbortController().signal): TransferHooks => ({
  signal,
  progress: (bytes) => {
    if (breaking !== null && bytes > breaking.from) breaking.response.destroy();
  },
  retrying: (error) => retries.push(error.message),
  wait: async (ms) => {
    waits.push(ms);
  },
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-transfer-'));
  waits = [];
  retries = [];
  breaking = null;
});
afterEach(async () => {
  await server?.close();
  server = null;
  rmSync(folder, { recursive: true });
});

type Answer = (request: IncomingMessage, response: ServerResponse, index: number) => void;

const access = { headers: async () => ({ authorization: 'Bearer secret' }), hint: 'set the token' };

async function transfer(answer: Answer, digest: string | null = null): Promise<string> {
  server ??= await localServer(answer);
  const remote = new HttpFile({ url: `${server.url}/model.onnx`, path: '', access });
  const expected = digest === null ? null : { algorithm: 'sha256' as const, digest };
  const target = join(folder, 'model.onnx');
  await transferFile(remote, target, expected, hooks());
  expect(readdirSync(folder)).toEqual(['model.onnx']);
  return digestOf(readFileSync(target));
}

/** Sends so many bytes of what is asked for, and breaks off when some of them are there: what a client has not read is lost to it. */
function breakOff(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: number,
  etag = tag.etag,
): void {
  const start = Number(/=(\d+)-/u.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': content.length - start,
    ...(start > 0
      ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
      : {}),
  });
  breaking = { response, from: start };
  response.write(content.subarray(start, start + bytes));
}

describe('transferFile', () => {
  it('fetches a file', async () => {
    expect(
      await transfer((request, response) => serveContent(request, response, content), sha256),
    ).toBe(sha256);
    expect(server?.requests).toHaveLength(1);
    expect(server?.requests[0]?.headers).toMatchObject({
      'accept-encoding': 'identity',
      authorization: 'Bearer secret',
    });
  });

  it('goes on where a connection broke off', async () => {
    const got = await transfer((request, response, index) => {
      if (index < 2) breakOff(request, response, 100_000);
      else serveContent(request, response, content, tag);
    }, sha256);
    expect(got).toBe(sha256);
    expect(server?.requests.map(({ headers }) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=\d+-$/u),
      expect.stringMatching(/^bytes=\d+-$/u),
    ]);
  });

  it('begins anew at a server that sends no parts, or no validator', async () => {
    const answer: Answer = (request, response, index) => {
      if (index === 0) breakOff(request, response, 1000);
      else response.writeHead(200, tag).end(content);
    };
    expect(await transfer(answer)).toBe(sha256);
    await server?.close();
    server = null;
    expect(
      await transfer((request, response, index) => {
        if (index === 0) {
          response.writeHead(200, { 'content-length': content.length });
          response.write(content.subarray(0, 1000), () => response.destroy());
        } else serveContent(request, response, content);
      }),
    ).toBe(sha256);
    expect((server as LocalServer | null)?.requests[1]?.headers.range).toBeUndefined();
  });

  it('begins anew when the file has changed', async () => {
    const got = await transfer((request, response, index) => {
      if (index === 0) breakOff(request, response, 100_000, '"old"');
      else serveContent(request, response, content, tag);
    });
    expect(got).toBe(sha256);
    expect(server?.requests.map(({ headers }) => headers.range !== undefined)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('takes 416 for the end of what is there', async () => {
    const left = (bytes: Buffer) => {
      writeFileSync(join(folder, 'model.onnx'), bytes);
      const state = { from: `${server?.url}/model.onnx`, validator: tag.etag };
      writeFileSync(join(folder, 'model.onnx.part.json'), JSON.stringify(state));
    };
    const answer: Answer = (request, response) => serveContent(request, response, content, tag);
    server = await localServer(answer);
    left(content);
    expect(await transfer(answer, sha256)).toBe(sha256);
    expect(server.requests).toHaveLength(1);
    left(Buffer.concat([content, content]));
    expect(await transfer(answer, sha256)).toBe(sha256);
  });

  it('fetches once more what was wrong in an earlier part', async () => {
    server = await localServer((request, response) =>
      serveContent(request, response, content, tag),
    );
    writeFileSync(join(folder, 'model.onnx'), Buffer.alloc(1000));
    const state = { from: `${server.url}/model.onnx`, validator: tag.etag };
    writeFileSync(join(folder, 'model.onnx.part.json'), JSON.stringify(state));
    expect(await transfer(() => {}, sha256)).toBe(sha256);
    expect(server.requests).toHaveLength(2);
  });

  it('refuses a wrong checksum, and keeps nothing', async () => {
    const digest = '0'.repeat(64);
    await expect(
      transfer((request, response) => serveContent(request, response, content, tag), digest),
    ).rejects.toThrow(`has the sha256 ${sha256} instead of ${digest}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('asks again after 500 and 503, when it is told to', async () => {
    const got = await transfer((request, response, index) => {
      if (index === 0) response.writeHead(500).end('oh');
      else if (index === 1) response.writeHead(503, { 'retry-after': '7' }).end();
      else serveContent(request, response, content);
    });
    expect(got).toBe(sha256);
    expect(waits[0]).toBeLessThanOrEqual(1000);
    expect(waits[1]).toBe(7000);
    expect(retries[0]).toContain('answered 500 Internal Server Error');
  });

  it.each([
    [404, 'there is no such file'],
    [403, 'answered 403 Forbidden: set the token'],
    [401, 'set the token'],
    [400, 'answered 400'],
  ])('gives up at once after %i', async (status, message) => {
    await expect(transfer((_, response) => response.writeHead(status).end())).rejects.toThrow(
      message,
    );
    expect(server?.requests).toHaveLength(1);
  });

  it('gives up at last where nothing more comes, and keeps what has come', async () => {
    await expect(
      transfer((request, response, index) => {
        if (index === 0) breakOff(request, response, 1000);
        else response.destroy();
      }),
    ).rejects.toThrow(/gave up after [56] attempts/u);
    const kept = readFileSync(join(folder, 'model.onnx'));
    expect(kept.equals(content.subarray(0, kept.length))).toBe(true);
  });

  it('tells a length that is not kept from a whole file', async () => {
    await expect(
      transfer((_, response) => {
        response.writeHead(200, { 'content-length': content.length + 1 });
        response.write(content, () => response.socket?.end());
      }),
    ).rejects.toThrow(/gave up after 5 attempts|other side closed|terminated/u);
  });

  it('ends when it is interrupted', async () => {
    const interruption = new AbortController();
    server = await localServer((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('1');
      interruption.abort(new Error('interrupted'));
    });
    const remote = new HttpFile({ url: server.url, path: '', access });
    const target = join(folder, 'x');
    await expect(transferFile(remote, target, null, hooks(interruption.signal))).rejects.toThrow(
      'interrupted',
    );
  });

  it.each([
    ['a file of another size than was listed', 200, {}, /it has changed/u],
    ['what is said where nothing is missing', 416, tag, null],
    ['a part that was not asked for', 206, tag, /no part was asked for/u],
  ])('gives back what it does not read: %s', async (_, status, more, text) => {
    const closed: Promise<unknown>[] = [];
    server = await localServer((_request, response) => {
      closed.push(once(response, 'close'));
      // It never ends by itself.
      const head =
        status === 200
          ? { 'content-length': 2 * content.length }
          : { 'content-range': `bytes */${content.length}` };
      response.writeHead(status, { ...more, ...head }).write(content);
    });
    const target = join(folder, 'model.onnx');
    const url = `${server.url}/model.onnx`;
    if (status === 416) {
      writeFileSync(target, content);
      writeFileSync(`${target}.part.json`, JSON.stringify({ from: url, validator: tag.etag }));
    }
    const size = status === 200 ? 5 : null;
    const remote = new HttpFile({ url, path: '', access, size });
    const transferred = transferFile(remote, target, null, hooks());
    if (text === null) await transferred;
    else await expect(transferred).rejects.toThrow(text);
    await Promise.all(closed);
    expect(closed).toHaveLength(1);
  });

  it('puts together what comes in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ keep: fc.nat(400), parts: fc.boolean(), changed: fc.boolean() }), {
          maxLength: 6,
        }),
        async (faults) => {
          const whole = content.subarray(0, 1500);
          let attempt = 0;
          const remote: RemoteFile = {
            from: 'memory',
            path: '',
            size: null,
            checksum: null,
            async open(offset) {
              const fault = faults[attempt++];
              const start = fault?.parts === false ? 0 : offset;
              const end =
                fault === undefined ? whole.length : Math.min(whole.length, start + fault.keep);
              return {
                offset: start,
                total: whole.length,
                validator: fault?.changed === true ? `v${attempt}` : 'v',
                checksum: null,
                bytes: (async function* () {
                  yield whole.subarray(start, end);
                })(),
              };
            },
          };
          const target = join(folder, `any-${Math.random()}`);
          try {
            await transferFile(remote, target, null, hooks());
            expect(readFileSync(target).equals(whole)).toBe(true);
          } catch (error) {
            expect(String(error)).toContain('gave up');
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('fetchBytes', () => {
  const signal = new AbortController().signal;

  it('sends credentials to the first host alone', async () => {
    const other = await localServer((request, response) =>
      serveContent(request, response, content),
    );
    try {
      server = await localServer((_, response) =>
        response.writeHead(302, { location: `${other.url}/cdn`, 'x-linked-etag': '"abc"' }).end(),
      );
      const fetched = await fetchBytes(`${server.url}/a`, access, signal);
      for await (const _ of fetched.bytes);
      expect(fetched.firstHeaders.get('x-linked-etag')).toBe('"abc"');
      expect(server.requests[0]?.headers.authorization).toBe('Bearer secret');
      expect(other.requests[0]?.headers.authorization).toBeUndefined();
    } finally {
      await other.close();
    }
  });

  it('follows only so many redirects, and only to the web', async () => {
    server = await localServer((request, response) =>
      response
        .writeHead(302, { location: request.url === '/file' ? 'file:///etc/passwd' : '/' })
        .end(),
    );
    await expect(fetchBytes(server.url, access, signal)).rejects.toThrow(
      'redirects more than 10 times',
    );
    await expect(fetchBytes(`${server.url}/file`, access, signal)).rejects.toThrow(
      'no address of the web',
    );
  });

  it('does not wait for ever', async () => {
    server = await localServer((request, response) => {
      if (request.url === '/body') response.writeHead(200, { 'content-length': 9 }).write('1');
    });
    await expect(fetchBytes(`${server.url}/none`, access, signal, null, 50)).rejects.toThrow(
      'nothing came for 0.05 s',
    );
    const { bytes } = await fetchBytes(`${server.url}/body`, access, signal, null, 50);
    await expect(
      (async () => {
        for await (const _ of bytes);
      })(),
    ).rejects.toThrow('nothing came for 0.05 s');
  });

  it('says of a list that it is none', async () => {
    server = await localServer((_, response) => response.end('<html>'));
    await expect(fetchJson(`${server.url}/list`, access, signal)).rejects.toThrow(
      new DownloadError(`${server.url}/list answered with what is no JSON`, { isTemporary: false }),
    );
  });

  it('keeps passwords out of messages', async () => {
    server = await localServer((_, response) => response.writeHead(404).end());
    const url = `${server.url.replace('//', '//user:hidden@')}/x?signature=hidden`;
    await expect(fetchBytes(url, { headers: async () => ({}), hint: '' }, signal)).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hidden') }),
    );
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${btoa('user:hidden')}`);
  });
});
