import { type InferRequestMessage, type Tensor, TritonError } from '@nereid/protocol';
import { expect, test } from 'vitest';
import type { InferResponse } from '../../core/infer-response.ts';
import { silentLogger } from '../../core/logger.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import { SharedMemoryRegistry } from '../../memory/shared-memory-registry.ts';
import type { HttpCall } from './http-route.ts';
import { InferReply } from './infer-reply.ts';
import type { ResponseEncoding } from './response-encoding.ts';

function response(byteLength: number): InferResponse {
  const data = Buffer.alloc(byteLength, 7);
  const output: Tensor = { name: 'OUTPUT0', dataType: 'UINT8', shape: [byteLength], data };
  return { modelName: 'm', modelVersion: '1', id: '', parameters: new Map(), outputs: [output] };
}

/** A reply, and what happened to its request in the order in which it did. */
function open(encoding: ResponseEncoding): { reply: InferReply; seen: string[] } {
  const seen: string[] = [];
  const call = {
    request: { releaseBody: () => seen.push('release') },
    responder: { send: (status: number) => seen.push(`send ${status}`) },
    context: { logger: { error: () => {} } },
  } as unknown as HttpCall;
  const message = {
    outputs: [],
    parameters: { binaryDataOutput: true },
  } as unknown as InferRequestMessage;
  const registry = new SharedMemoryRegistry({ allowed: false, logger: silentLogger });
  return {
    reply: new InferReply(call, {} as ServedModel, message, registry.use(), encoding),
    seen,
  };
}

test('the body is released right before the only answer', () => {
  const { reply, seen } = open('identity');
  reply.respond(response(10), false);
  expect(seen).toEqual([]);
  reply.respond(null, true);
  expect(seen).toEqual(['release', 'send 200']);
});

test('an answer that may be a view of the body is compressed first', async () => {
  const { reply, seen } = open('gzip');
  reply.respond(response(2_000_000), true);
  expect(seen).toEqual([]);
  await expect.poll(() => seen).toEqual(['release', 'send 200']);
});

test('the body of a request that failed is not released: something may still run', () => {
  const failed = open('identity');
  failed.reply.fail(new TritonError('CANCELLED', 'cancelled'));
  const silent = open('identity');
  silent.reply.respond(null, true);
  for (const { seen } of [failed, silent]) {
    expect(seen).toHaveLength(1);
    expect(seen).not.toContain('release');
  }
});
