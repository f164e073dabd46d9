import { tmpdir } from 'node:os';
import { parseModelConfigText } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../core/backend.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { prepareRequest } from '../data-plane/prepare-request.ts';
import { latencySumsOnly } from '../observability/model-latencies.ts';
import type { ModelDefinition } from '../repository/model-definition.ts';
import { BackendRegistry } from './backend-registry.ts';
import type { LoadedModel } from './loaded-model.ts';
import { VersionLoader } from './version-loader.ts';

const backend: Backend = {
  name: 'fake',
  loadModel: async ({ config }) => ({
    config,
    instances: [{ name: 'i', execute: () => null }],
    unload: async () => {},
  }),
  shutdown: async () => {},
};

function load(fields: string): Promise<LoadedModel> {
  const loader = new VersionLoader({
    backends: new BackendRegistry([backend]),
    autoComplete: false,
    backendConfig: new Map(),
    responseCache: () => null,
    rateLimiter: null,
    latencies: latencySumsOnly,
    prepareRequest,
    clock: systemClock,
    logger: silentLogger,
  });
  const config = parseModelConfigText(
    `name: "m" backend: "fake" max_batch_size: 4 ${fields}`,
    'config.pbtxt',
  );
  const definition = { id: { namespace: '', name: 'm' }, directory: tmpdir(), config };
  return loader.load({ ...definition, source: null } as unknown as ModelDefinition, 1);
}

describe('VersionLoader', () => {
  it('joins requests of models with dynamic_batching, and of no other', async () => {
    const batched = await load('dynamic_batching { }');
    expect(batched.batchingReport?.()).toMatchObject({ batch_count: 0, pending_count: 0 });
    expect((await load('')).batchingReport).toBe(null);
  });

  it.each([['sequence_batching { }', "model 'm': sequence batching is not supported yet"]])(
    'refuses what it would answer wrongly: %s',
    async (fields, message) => {
      await expect(load(fields)).rejects.toMatchObject({ code: 'UNSUPPORTED', message });
    },
  );
});
