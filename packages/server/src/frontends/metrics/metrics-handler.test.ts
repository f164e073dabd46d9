import type { HttpRequest } from '@nereid/transport';
import { describe, expect, test } from 'vitest';
import { metricsHandler } from './metrics-handler.ts';

type Sent = { status: number; headers: [string, string][]; body: unknown };

function ask(method: string, path: string): Sent | null {
  let sent: Sent | null = null;
  const request = { method, path, query: 'x=1', header: () => null } as unknown as HttpRequest;
  const responder = {
    send(status: number, headers: [string, string][], body: unknown) {
      sent = { status, headers, body };
    },
  };
  const handler = metricsHandler({ text: () => 'the page' });
  handler.handle(request, responder as unknown as Parameters<typeof handler.handle>[1]);
  return sent;
}

const text: [string, string][] = [['content-type', 'text/plain; charset=utf-8']];

describe('metricsHandler', () => {
  test.each(['/metrics', '/metrics/'])('serves the page at %s', (path) => {
    expect(ask('GET', path)).toEqual({ status: 200, headers: text, body: 'the page' });
  });

  test.each(['/', '/metrics//', '/metricsx', '/v2/metrics'])('has nothing at %s', (path) => {
    expect(ask('GET', path)).toEqual({ status: 200, headers: text, body: null });
  });

  test.each(['POST', 'HEAD', 'DELETE', 'OPTIONS'])('refuses %s', (method) => {
    expect(ask(method, '/metrics')).toMatchObject({
      status: 405,
      body: '{"error":"Method Not Allowed"}',
    });
  });
});
