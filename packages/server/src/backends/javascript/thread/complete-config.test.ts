import type { CompletableConfig } from '@nereid/model';
import { describe, expect, it } from 'vitest';
import { mergedConfig } from './complete-config.ts';

const config = (changes: Partial<CompletableConfig> = {}): CompletableConfig => ({
  name: 'm',
  max_batch_size: 0,
  input: [],
  output: [],
  parameters: {},
  ...changes,
});
const x = { name: 'X', data_type: 'TYPE_FP32', dims: [-1] };

describe('mergedConfig', () => {
  it.each([
    ['what it returns', config(), { input: [x], max_batch_size: 4 }],
    ['what it changed', config({ input: [x], max_batch_size: 4 }), undefined],
  ])('takes %s', (_, changed, returned) => {
    expect(mergedConfig(config(), changed, returned)).toMatchObject({
      input: [x],
      output: [],
      max_batch_size: 4,
    });
  });

  it('leaves what the file says, and adds to it', () => {
    const own = config({
      max_batch_size: 8,
      input: [{ name: 'X', data_type: 'TYPE_INVALID', dims: [3] }],
      model_transaction_policy: { decoupled: false },
    });
    const more = { name: 'Z', data_type: 'TYPE_BOOL', dims: [1] };
    const given = { max_batch_size: 2, input: [x, more], dynamic_batching: {} };
    const merged = mergedConfig(own, structuredClone(own), given);
    expect(merged).toMatchObject({
      max_batch_size: 8,
      input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [3] }, more],
      dynamic_batching: {},
      model_transaction_policy: { decoupled: false },
    });
  });

  it.each([[5], [null], [{ input: 7 }]])('refuses %o', (returned) => {
    expect(() => mergedConfig(config(), config(), returned)).toThrow(TypeError);
  });
});
