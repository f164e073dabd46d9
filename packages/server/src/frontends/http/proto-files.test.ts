import { protoFile, protoFileNames } from '@nereid/protocol';
import { expect, it } from 'vitest';
import type { HttpCall } from './http-route.ts';
import { Router } from './router.ts';
import { protoFileRoutes } from './routes/proto-files.ts';

/** What a route answers; these look at nothing of their call but the responder. */
function answer(path: string): string | null {
  const match = new Router(protoFileRoutes).match(path);
  if (match === null) return null;
  let text = '';
  const send = (_status: number, _headers: unknown, body: string): void => {
    text = body;
  };
  void match.route.handle({ responder: { send } } as unknown as HttpCall);
  return text;
}

it('serves every .proto file under its own name', () => {
  expect(JSON.parse(answer('/v2/protos') ?? '')).toEqual({ files: protoFileNames });
  for (const name of protoFileNames) {
    expect(answer(`/v2/protos/${name}`)).toBe(protoFile(name));
  }
  expect(answer('/v2/protos/../x')).toBeNull();
  expect(answer('/v2/protos/none.proto')).toBeNull();
});
