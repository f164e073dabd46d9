import type { DataType, Tensor } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import { onBatchCancelled } from './batch-cancellation.ts';
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

const a = execution([bytes('X', [1, 2], [1, 2]), bytes('Y', [1], [9])], ['P']);
const b = execution([bytes('Y', [2], [8, 7]), bytes('X', [2, 2], [3, 4, 5, 6])], ['Q', 'P']);

describe('GatheredBatch', () => {
  it('joins the rows of the requests, whatever the order of their inputs', () => {
    const batch = new GatheredBatch([a, b], new BatchMemory());
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
    const batch = new GatheredBatch([a, b], new BatchMemory());
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
    const batch = new GatheredBatch([one, two], new BatchMemory());
    const [joined] = batch.inputs as [Tensor];
    expect(joined.shape).toEqual([3, 2]);
    const parts = batch.scatter([joined]);
    expect(parts.map((part) => plain(part))).toEqual([
      plain(one.request.inputs),
      plain(two.request.inputs),
    ]);
  });

  it('copies nothing for a batch of one', () => {
    const batch = new GatheredBatch([a], new BatchMemory());
    expect(batch.inputs).toBe(a.request.inputs);
    const output = bytes('', [5], [1, 2, 3, 4, 5]);
    expect(batch.scatter([output])[0]?.[0]?.data).toBe(output.data);
  });

  it('refuses outputs without a row for each of the batch', () => {
    const batch = new GatheredBatch([a, b], new BatchMemory());
    expect(() => batch.scatter([bytes('', [2], [1, 2]), bytes('', [3], [1, 2, 3])])).toThrow(
      "output 'P' of a batch of 3 has shape [2], its first dimension must be the batch's size",
    );
    expect(() => batch.scatter([bytes('', [], [1]), bytes('', [3], [1, 2, 3])])).toThrow(
      'shape []',
    );
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
