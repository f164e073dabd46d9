import { describe, expect, it } from 'vitest';
import { createHttpHandler } from './http-handler.ts';
import { exchange } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const start =
  '{"log_file":"","log_info":true,"log_warning":true,"log_error":true,"log_verbose_level":0,"log_format":"default"}';

/** Posts the bodies one after the other to one server. The last answer, and the settings after it. */
async function change(...bodies: string[]): Promise<[number, string, string]> {
  const handler = createHttpHandler(httpContext([]));
  let last: [number, string] = [0, ''];
  for (const body of bodies) {
    const reply = await exchange(handler, { method: 'POST', path: '/v2/logging', body });
    last = [reply.status, reply.text()];
  }
  const now = await exchange(handler, { method: 'GET', path: '/v2/logging' });
  expect(now.header('content-type')).toBe('application/json');
  return [...last, now.text()];
}

describe('log settings', () => {
  it.each(['', '{}', '[]', '{"log_file":null,"log_info":null}', '{"unknown":1}'])(
    'stay as they are with %s',
    async (body) => {
      expect(await change(body)).toEqual([200, start, start]);
    },
  );

  it('change and tell what they are now', async () => {
    const changed = start
      .replace('"log_info":true', '"log_info":false')
      .replace('default', 'ISO8601');
    expect(
      await change('{"log_info":false,"log_verbose_level":2}', '{"log_format":"ISO8601"}'),
    ).toEqual([200, changed.replace(':0', ':2'), changed.replace(':0', ':2')]);
  });

  it.each([
    ['{', 500, 'failed to parse the request JSON buffer: Missing a name for object member. at 1'],
    ['{"log_info":1}', 500, 'attempt to access JSON non-boolean as boolean'],
    [
      '{"log_verbose_level":1.0}',
      500,
      'attempt to access JSON non-unsigned-integer as unsigned-integer',
    ],
    ['{"log_format":1}', 500, 'attempt to access JSON non-string as string'],
    ['{"log_format":"xml"}', 503, 'invalid argument for --log_format, got: xml'],
    [
      '{"log_info":false,"log_file":"/etc/passwd"}',
      501,
      'log file location can not be updated through network protocol',
    ],
    // Nothing of a change is made where a part of it is wrong.
    ['{"log_info":false,"log_error":0}', 500, 'attempt to access JSON non-boolean as boolean'],
  ])('refuse %s', async (body, status, error) => {
    expect(await change(body)).toEqual([status, JSON.stringify({ error }), start]);
  });
});
