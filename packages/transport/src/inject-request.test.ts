import { expect, test } from 'vitest';
import type { HttpHandler } from './http-handler.ts';
import { injectRequest } from './inject-request.ts';

const echo: HttpHandler = {
  head: (request) => (request.path === '/limited' ? { bodyBytesMax: 3 } : { alignedOffset: 5 }),
  handle(request, responder) {
    const text = `${request.path} ${request.query} ${request.header('x-a')} ${request.header('host')}`;
    responder.send(201, [['X-Text', text]], request.body);
  },
};

test('a handler sees what a socket would have carried', async () => {
  const reply = await injectRequest(echo, {
    method: 'POST',
    path: '/a?b=1',
    headers: { 'X-A': '1', HOST: 'h' },
    body: 'héllo',
  });
  expect({ ...reply, headers: { ...reply.headers } }).toEqual({
    status: 201,
    headers: { 'x-text': '/a b=1 1 h' },
    body: Buffer.from('héllo'),
  });
});

test('limits and refusals of the plan count', async () => {
  const long = await injectRequest(echo, { method: 'POST', path: '/limited', body: '1234' });
  expect(long.status).toBe(413);
  const refusing: HttpHandler = {
    head: () => ({ reject: { status: 501, headers: [], body: 'no' } }),
    handle: () => {
      throw new Error('not reached');
    },
  };
  const refused = await injectRequest(refusing, { method: 'GET', path: '/' });
  expect([refused.status, refused.body.toString()]).toEqual([501, 'no']);
});

test('streams are collected, HEAD has no body', async () => {
  const handler: HttpHandler = {
    handle(_, responder) {
      const stream = responder.stream(200, []);
      stream.write('a');
      setImmediate(() => {
        stream.write(Buffer.from('b'));
        stream.end();
      });
    },
  };
  const reply = await injectRequest(handler, { method: 'GET', path: '/' });
  expect(reply.body.toString()).toBe('ab');
  expect((await injectRequest(handler, { method: 'HEAD', path: '/' })).body.length).toBe(0);
});

test('what a handler throws or aborts rejects', async () => {
  const throwing: HttpHandler = {
    handle: () => {
      throw new Error('thrown');
    },
  };
  await expect(injectRequest(throwing, { method: 'GET', path: '/' })).rejects.toThrow('thrown');
  const aborting: HttpHandler = { handle: (_, responder) => responder.stream(200, []).abort() };
  await expect(injectRequest(aborting, { method: 'GET', path: '/' })).rejects.toThrow('aborted');
});
