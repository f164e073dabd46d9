import { describe, expect, it } from 'vitest';
import { RestrictedApis } from '../../control-plane/restricted-apis.ts';
import { restrictedCategories } from '../../options/setting-format.ts';
import { createHttpHandler } from './http-handler.ts';
import { routesFor } from './routes.ts';
import { exchange, type Sent } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const options = { maxInputBytes: 100_000, openAi: { defaultMaxTokens: 16 } };

const handler = createHttpHandler(
  httpContext([], {
    options,
    metricsText: () => '',
    restrictedApis: new RestrictedApis([
      { categories: restrictedCategories, key: 'X-Key', value: 'open' },
    ]),
  }),
);

/** Every path that a pattern stands for. */
function pathsOf(pattern: string): string[] {
  const withAll = pattern.replaceAll(/[[\]]/g, '');
  const withNone = pattern.replaceAll(/\[[^\]]*\]/g, '');
  const fill = (path: string): string =>
    path.replaceAll('{version}', '1').replaceAll(/\{[a-z]+\}/g, 'x');
  return [...new Set([withAll, withNone].map(fill))];
}

async function ask(sent: Sent): Promise<[number, string]> {
  const reply = await exchange(handler, sent);
  return [reply.status, reply.text()];
}

const text = "This API is restricted, expecting header 'X-Key'";

/** Of Triton's endpoints, and of those of OpenAI's API. */
const refusal = [403, `{"error":"${text}"}`];
const openAiRefusal = [
  401,
  `{"error":{"message":"${text} with valid value","type":"authentication_error","param":null,"code":"invalid_auth"}}`,
];

describe('with every API restricted', () => {
  it('refuses every route, under every path and method', async () => {
    for (const path of routesFor(options).flatMap((route) => pathsOf(route.path))) {
      for (const method of ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS']) {
        expect([path, method, ...(await ask({ method, path }))]).toEqual([
          path,
          method,
          ...(path.startsWith('/v1/') ? openAiRefusal : refusal),
        ]);
      }
    }
  });

  it('knows no other spelling of a path that would reach a route', async () => {
    const aliases = [
      '/v2/models/stats/',
      '/V2/models/stats',
      '/v2//models/stats',
      '/v2/models/%73tats/x',
      '/v2/repository/index/',
      '/v2/Repository/index',
      '/v2/./repository/index',
      '/v1/chat/completions/',
      '/V1/chat/completions',
      '/v1/chat%2fcompletions',
      '/v1//models',
      '/v1/models/',
    ];
    for (const path of aliases) {
      const [status] = await ask({ method: 'POST', path });
      expect([path, [403, 404].includes(status)]).toEqual([path, true]);
    }
  });

  it('lets through who has the header', async () => {
    const headers = { 'x-key': 'open' };
    expect(await ask({ method: 'GET', path: '/v2/metrics', headers })).toEqual([200, '']);
    // The method is looked at after the header.
    expect((await ask({ method: 'POST', path: '/v2/metrics', headers }))[0]).toBe(405);
  });

  it('refuses before a long body is read', () => {
    const head = (headers: Record<string, string>): unknown =>
      handler.head?.({
        method: 'POST',
        path: '/v2/models/x/infer',
        header: (name: string) => headers[name] ?? null,
      } as Parameters<NonNullable<typeof handler.head>>[0])?.reject?.status;
    expect(head({ 'content-length': '1000000000' })).toBe(403);
    expect(head({ 'transfer-encoding': 'chunked' })).toBe(403);
    expect(head({ 'content-length': '10' })).toBeUndefined();
    expect(head({ 'content-length': '90000', 'x-key': 'open' })).toBeUndefined();
  });
});
