import type { BatchInput, Tensor } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { batchInputTensors } from './batch-inputs.ts';

/** Two requests: one with a single item, one with two. */
const shapes = [
  [1, 3, 2],
  [2, 1, 4],
];

const garbage = (byteLength: number) => new Uint8Array(byteLength).fill(0xab);

function batchInput(kind: BatchInput['kind'], fp32: boolean): BatchInput {
  const data_type = fp32 ? 'TYPE_FP32' : 'TYPE_INT32';
  return { kind, data_type, target_name: ['T'], source_input: ['S'] };
}

describe('batchInputTensors', () => {
  it.each<[BatchInput['kind'], number[], number[]]>([
    ['BATCH_ELEMENT_COUNT', [2], [6, 8]],
    ['BATCH_ACCUMULATED_ELEMENT_COUNT', [2], [6, 14]],
    ['BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO', [3], [0, 6, 14]],
    ['BATCH_MAX_ELEMENT_COUNT_AS_SHAPE', [8], [0, 0, 0, 0, 0, 0, 0, 0]],
    ['BATCH_ITEM_SHAPE', [3, 2], [3, 2, 1, 4, 1, 4]],
    ['BATCH_ITEM_SHAPE_FLATTEN', [6], [3, 2, 1, 4, 1, 4]],
  ])('%s', (kind, shape, values) => {
    const [ints] = batchInputTensors(batchInput(kind, false), shapes, garbage) as [Tensor];
    expect(ints).toMatchObject({ name: 'T', dataType: 'INT32', shape });
    expect([...new Int32Array(ints.data.buffer)]).toEqual(values);
    const [floats] = batchInputTensors(batchInput(kind, true), shapes, garbage) as [Tensor];
    expect(floats).toMatchObject({ dataType: 'FP32', shape });
    expect([...new Float32Array(floats.data.buffer)]).toEqual(values);
  });

  it('counts nothing for a tensor without elements', () => {
    const kind = 'BATCH_ELEMENT_COUNT';
    const [counts] = batchInputTensors(batchInput(kind, false), [[1, 0]], garbage) as [Tensor];
    expect([...new Int32Array(counts.data.buffer)]).toEqual([0]);
  });
});
