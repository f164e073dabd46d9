import type { DataType, Tensor } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import { onBatchCancelled } from './batch-cancellation.ts';
import type { BatchLayout } from './batch-layout.ts';
import { BatchMemory } from './batch-memory.ts';
import { GatheredBatch } from './gathered-batch.ts';

function bytes(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, dataType: 'UINT8', shape, data: Uint8Array.from(values) };
}

function strings(name: string, shape: readonly number[], values: readonly string[]): Tensor {
  const parts = values.map((value) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(value));
    return Buffer.concat([length, Buffer.from(value)]);
  });
  return { name, dataType: 'BYTES', shape, data: Buffer.concat(parts) };
}

function execution(inputs: readonly Tensor[], outputNames: readonly string[]): Execution {
  const batchSize = inputs[0]?.shape[0];
  const request = { inputs, outputNames, batchSize, cancellation: new Cancellation() };
  return { request } as unknown as Execution;
}

function plain(tensors: readonly Tensor[]): (readonly [string, DataType, string, string])[] {
  return tensors.map(({ name, dataType, shape, data }) => [
    name,
    dataType,
    shape.join('x'),
    Buffer.from(data).toString('latin1').replace(/\0/gu, ''),
  ]);
}

/** A model that batches, with nothing ragged. */
const rows: BatchLayout = {
  batches: true,
  ragged: new Set(),
  batchInputs: [],
  scattered: new Map(),
};

const a = execution([bytes('X', [1, 2], [1, 2]), bytes('Y', [1], [9])], ['P']);
const b = execution([bytes('Y', [2], [8, 7]), bytes('X', [2, 2], [3, 4, 5, 6])], ['Q', 'P']);

describe('GatheredBatch', () => {
  it('is none of a request without inputs, unless the model does not batch', () => {
    const none = execution([], ['P']);
    const gather = (batches: boolean) => () =>
      new GatheredBatch([none], { ...rows, batches }, new BatchMemory());
    expect(gather(true)).toThrow('out of bounds index 0: request has 0 inputs');
    expect(gather(false)).not.toThrow();
  });

  it('joins the rows of the requests, whatever the order of their inputs', () => {
    const batch = new GatheredBatch([a, b], rows, new BatchMemory());
    expect(batch.size).toBe(3);
    expect(batch.inputBytes).toBe(9);
    expect(batch.outputNames).toEqual(['P', 'Q']);
    expect(batch.inputs.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['X', 3, 2],
      ['Y', 3],
    ]);
    expect(batch.inputs.map(({ data }) => [...data])).toEqual([
      [1, 2, 3, 4, 5, 6],
      [9, 8, 7],
    ]);
  });

  it('gives each request views of its rows, of the outputs that it asked for', () => {
    const batch = new GatheredBatch([a, b], rows, new BatchMemory());
    const p = bytes('', [3, 2], [1, 2, 3, 4, 5, 6]);
    const q = bytes('', [3], [7, 8, 9]);
    const [ofA, ofB] = batch.scatter([p, q]) as [Tensor[], Tensor[]];
    expect(ofA.map(({ name, shape, data }) => [name, shape, [...data]])).toEqual([
      ['P', [1, 2], [1, 2]],
    ]);
    expect(ofB.map(({ name, shape, data }) => [name, shape, [...data]])).toEqual([
      ['Q', [2], [8, 9]],
      ['P', [2, 2], [3, 4, 5, 6]],
    ]);
    expect(ofB[1]?.data.buffer).toBe(p.data.buffer);
  });

  it('parts strings by their number, not by their bytes', () => {
    const one = execution([strings('S', [1, 2], ['a', 'bcd'])], ['S']);
    const two = execution([strings('S', [2, 2], ['', 'e', 'ffffff', 'g'])], ['S']);
    const batch = new GatheredBatch([one, two], rows, new BatchMemory());
    const [joined] = batch.inputs as [Tensor];
    expect(joined.shape).toEqual([3, 2]);
    const parts = batch.scatter([joined]);
    expect(parts.map((part) => plain(part as Tensor[]))).toEqual([
      plain(one.request.inputs),
      plain(two.request.inputs),
    ]);
  });

  it('copies nothing for a batch of one', () => {
    const batch = new GatheredBatch([a], rows, new BatchMemory());
    expect(batch.inputs).toBe(a.request.inputs);
    const output = bytes('', [1, 5], [1, 2, 3, 4, 5]);
    expect((batch.scatter([output])[0] as Tensor[])[0]?.data).toBe(output.data);
  });

  it('tells those for which the output has too few rows, and answers the others', () => {
    const batch = new GatheredBatch([a, b], rows, new BatchMemory());
    const parts = batch.scatter([bytes('', [2], [1, 2]), bytes('', [3], [1, 2, 3])]);
    expect((parts[0] as Tensor[]).map(({ shape, data }) => [shape, [...data]])).toEqual([
      [[1], [1]],
    ]);
    expect(parts[1]).toMatchObject({
      code: 'UNSUPPORTED',
      message:
        "failed to split the output tensor 'P' in responses: expected batch size of at least 3 in model output, got 2",
    });
  });

  it('leaves out rows beyond those of the requests', () => {
    const alone = new GatheredBatch([a], rows, new BatchMemory());
    const [part] = alone.scatter([bytes('', [3, 1], [1, 2, 3])]) as [Tensor[]];
    expect(part.map(({ shape, data }) => [shape, [...data]])).toEqual([[[1, 1], [1]]]);
    const [none] = alone.scatter([bytes('', [0, 1], [])]);
    expect(none).toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('a ragged batch', () => {
  const ragged: BatchLayout = {
    batches: true,
    ragged: new Set(['X']),
    batchInputs: [
      {
        kind: 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO',
        target_name: ['ENDS', 'ENDS_AGAIN'],
        data_type: 'TYPE_INT32',
        source_input: ['X'],
      },
    ],
    scattered: new Map([['P', { sourceInput: 'X', shape: [-1, -1] }]]),
  };
  const short = execution([bytes('X', [1, 1], [1]), bytes('Y', [1], [9])], ['P', 'Q']);
  const long = execution([bytes('Y', [2], [8, 7]), bytes('X', [2, 3], [2, 3, 4, 5, 6, 7])], ['P']);

  it('holds the elements one after the other, and inputs that tell where each request ends', () => {
    const { inputs } = new GatheredBatch([short, long], ragged, new BatchMemory());
    expect(inputs.map(({ name, dataType, shape }) => [name, dataType, shape])).toEqual([
      ['X', 'UINT8', [7]],
      ['Y', 'UINT8', [3]],
      ['ENDS', 'INT32', [3]],
      ['ENDS_AGAIN', 'INT32', [3]],
    ]);
    expect(inputs.slice(0, 2).map(({ data }) => [...data])).toEqual([
      [1, 2, 3, 4, 5, 6, 7],
      [9, 8, 7],
    ]);
    const ends = inputs[2]?.data as Uint8Array;
    expect([...new Int32Array(ends.buffer, ends.byteOffset, 3)]).toEqual([0, 1, 7]);
  });

  it('of one request is that request in one dimension, without a copy', () => {
    const { inputs } = new GatheredBatch([long], ragged, new BatchMemory());
    expect(inputs[1]?.shape).toEqual([6]);
    expect(inputs[1]?.data).toBe(long.request.inputs[1]?.data);
  });

  it('is parted by the shapes of the input, as views', () => {
    const batch = new GatheredBatch([short, long], ragged, new BatchMemory());
    const p = bytes('', [7], [1, 2, 3, 4, 5, 6, 7]);
    const parts = batch.scatter([p, bytes('', [3], [1, 2, 3])]) as Tensor[][];
    expect(parts.map((part) => part.map(({ shape, data }) => [shape, [...data]]))).toEqual([
      [
        [[1, 1], [1]],
        [[1], [1]],
      ],
      [
        [
          [2, 3],
          [2, 3, 4, 5, 6, 7],
        ],
      ],
    ]);
    expect(parts[1]?.[0]?.data.buffer).toBe(p.data.buffer);
  });

  it('tells those whose shape the output cannot have', () => {
    const batch = new GatheredBatch([short, long], ragged, new BatchMemory());
    const parts = batch.scatter([bytes('', [6], [1, 2, 3, 4, 5, 6]), bytes('', [3], [1, 2, 3])]);
    expect(parts[0]).toHaveLength(2);
    expect(parts[1]).toMatchObject({
      code: 'INTERNAL',
      message:
        "failed to split the output tensor 'P' in responses: the model's output has no part of shape [2,3], which input 'X' of the request asks for",
    });
  });

  it('parts strings by their number', () => {
    const one = execution([strings('X', [1, 2], ['a', 'bcd'])], ['P']);
    const two = execution([strings('X', [1, 1], ['efg'])], ['P']);
    const batch = new GatheredBatch([one, two], ragged, new BatchMemory());
    const parts = batch.scatter([batch.inputs[0] as Tensor]) as Tensor[][];
    expect(parts.map((part) => part[0]?.data)).toEqual([
      one.request.inputs[0]?.data,
      two.request.inputs[0]?.data,
    ]);
  });
});

describe('BatchMemory', () => {
  it('gives the same aligned memory again, and more when that is too little', () => {
    const memory = new BatchMemory();
    const first = memory.take(0, 100);
    expect(first.byteLength).toBe(100);
    expect(memory.take(0, 128).buffer).toBe(first.buffer);
    expect(memory.take(1, 100).buffer).not.toBe(first.buffer);
    expect(memory.take(0, 129).buffer).not.toBe(first.buffer);
    expect(memory.take(2, 0).byteLength).toBe(0);
  });
});

describe('onBatchCancelled', () => {
  it('calls back when the last request is cancelled, not before', () => {
    const batch = [a, b].map(({ request }) => execution(request.inputs, ['P']));
    let calls = 0;
    onBatchCancelled(batch, () => calls++);
    batch[0]?.request.cancellation.cancel();
    batch[0]?.request.cancellation.cancel();
    expect(calls).toBe(0);
    batch[1]?.request.cancellation.cancel();
    expect(calls).toBe(1);
  });

  it('does not call back after the end', () => {
    const batch = [execution(a.request.inputs, ['P'])];
    let calls = 0;
    onBatchCancelled(batch, () => calls++)();
    batch[0]?.request.cancellation.cancel();
    expect(calls).toBe(0);
  });
});
