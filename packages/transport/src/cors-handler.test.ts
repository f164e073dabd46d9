import { describe, expect, it } from 'vitest';
import { CorsHandler } from './cors-handler.ts';
import type { HttpHandler } from './http-handler.ts';
import { type InjectedReply, injectRequest } from './inject-request.ts';

const page = 'https://page.example';

const next: HttpHandler = {
  head: ({ path }) =>
    path === '/refused' ? { reject: { status: 403, headers: [['X-A', '1']], body: 'no' } } : null,
  handle({ method, path }, responder) {
    if (path !== '/streamed') responder.send(method === 'OPTIONS' ? 405 : 200, [], 'answer');
    else responder.stream(200, [['X-B', '2']]).end();
  },
};

function ask(
  origins: readonly string[],
  path: string,
  headers: Record<string, string>,
  method = 'POST',
): Promise<InjectedReply> {
  const handler = new CorsHandler({ origins: new Set(origins) }, next);
  return injectRequest(handler, { method, path, headers });
}

const preflight = {
  origin: page,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type',
};

describe('what pages of other origins may do', () => {
  it.each(['/', '/streamed', '/refused'])('is told with every answer: %s', async (path) => {
    const { headers } = await ask([page], path, { origin: page });
    expect(headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-expose-headers': '*',
      vary: 'Origin',
    });
  });

  it('is told to those that ask beforehand', async () => {
    const { status, headers, body } = await ask([page], '/', preflight, 'OPTIONS');
    expect([status, body.length]).toEqual([204, 0]);
    expect(headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '7200',
    });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('may be the same for all', async () => {
    const { headers } = await ask(['*'], '/', { origin: page });
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers).not.toHaveProperty('vary');
  });

  it.each([
    ['another origin', { ...preflight, origin: 'https://page.example.evil' }],
    ['none', { 'access-control-request-method': 'POST' }],
    ['null, as of a file', { ...preflight, origin: 'null' }],
  ])('is nothing for %s', async (_, headers) => {
    const asked = await ask([page], '/', headers, 'OPTIONS');
    expect(asked.status).toBe(405);
    const answered = await ask([page], '/', headers);
    expect(answered.status).toBe(200);
    for (const reply of [asked, answered]) {
      expect(Object.keys(reply.headers).join()).not.toMatch(/access-control|vary/u);
    }
  });

  it('is not asked by a request for options alone', async () => {
    expect((await ask([page], '/', { origin: page }, 'OPTIONS')).status).toBe(405);
  });
});
