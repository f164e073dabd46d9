import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseModelConfigText } from '@nereid/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import type { Backend } from '../core/backend.ts';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/logger.ts';
import { prepareRequest } from '../data-plane/prepare-request.ts';
import { latencySumsOnly } from '../observability/model-latencies.ts';
import type { ModelDefinition } from '../repository/model-definition.ts';
import { BackendRegistry } from './backend-registry.ts';
import type { LoadedModel } from './loaded-model.ts';
import { VersionLoader } from './version-loader.ts';

/** Its files are looked at, all of them. */
const directory = mkdtempSync(join(tmpdir(), 'nereid-loader-'));
afterAll(() => rmSync(directory, { recursive: true }));

const backendWith = (unload: () => Promise<void>): Backend => ({
  name: 'fake',
  loadModel: async ({ config }) => ({
    config,
    instances: [{ name: 'i', execute: () => null }],
    unload,
  }),
  shutdown: async () => {},
});

function load(fields: string, unload = async () => {}): Promise<LoadedModel> {
  const loader = new VersionLoader({
    backends: new BackendRegistry([backendWith(unload)]),
    autoComplete: false,
    backendConfig: new Map(),
    responseCache: () => null,
    rateLimiter: null,
    latencies: latencySumsOnly,
    prepareRequest,
    stepModels: {
      find: () => {
        throw new Error('no ensembles here');
      },
    },
    clock: systemClock,
    logger: silentLogger,
  });
  const config = parseModelConfigText(
    `name: "m" backend: "fake" max_batch_size: 4 ${fields}`,
    'config.pbtxt',
  );
  const definition = { id: { namespace: '', name: 'm' }, directory, config };
  return loader.load({ ...definition, source: null } as unknown as ModelDefinition, 1);
}

describe('VersionLoader', () => {
  it('joins requests of models with dynamic_batching, and of no other', async () => {
    const batched = await load('dynamic_batching { }');
    expect(batched.batchingReport?.()).toMatchObject({ batch_count: 0, pending_count: 0 });
    expect((await load('')).batchingReport).toBe(null);
  });

  it('gives sequences their slots', async () => {
    const { batchingReport } = await load(
      'sequence_batching { oldest { max_candidate_sequences: 3 } }',
    );
    expect(batchingReport?.()).toMatchObject({ sequences: { slot_count: 3, active_count: 0 } });
  });

  it('refuses a state that begins with nothing that there is', async () => {
    const state = 'input_name: "A" output_name: "B" data_type: TYPE_INT32 dims: [ 2 ]';
    const initial = 'name: "i" data_type: TYPE_INT32 dims: [ 2 ] data_file: "missing"';
    const fields = `sequence_batching { state { ${state} initial_state { ${initial} } } }`;
    await expect(load(fields)).rejects.toThrow(/failed to open text file for read .*missing/u);
  });

  it('says why a model was not loaded also when it does not unload either', async () => {
    const state = 'input_name: "A" output_name: "B" data_type: TYPE_INT32 dims: [ 2 ]';
    const fields = `sequence_batching { state { ${state} initial_state { name: "s" data_type: TYPE_INT32 dims: [ 2 ] data_file: "missing" } } }`;
    const stuck = load(fields, () => Promise.reject(new Error('finalize failed')));
    await expect(stuck).rejects.toThrow(/failed to open text file for read .*missing/u);
  });

  it('refuses a state that no memory can hold', async () => {
    const fields =
      'sequence_batching { state { input_name: "A" output_name: "B" data_type: TYPE_INT32 dims: [ 1099511627776 ] } }';
    await expect(load(fields)).rejects.toMatchObject({
      code: 'INVALID_ARG',
      message: expect.stringContaining('begins with 4398046511104 bytes, at most 2147483647'),
    });
  });
});
