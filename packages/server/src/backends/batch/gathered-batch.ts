import { type Tensor, TritonError } from '@nereid/protocol';
import type { Execution } from '../../core/execution.ts';
import type { BatchMemory } from './batch-memory.ts';

/** The result of running a gathered batch: row-major, strings behind their lengths. */
export type BatchOutput = Pick<Tensor, 'dataType' | 'shape' | 'data'>;

/** Bytes of the little-endian length before each string element. */
const lengthPrefixBytes = 4;

/**
 * Several requests as one: each input is one tensor whose rows are the requests', in their order, and
 * each request's outputs are views of its rows of the batch's outputs. Every tensor is copied once, on
 * its way in. A batch of one request is that request's own memory.
 *
 * The requests must be mergeable: the same inputs, of shapes that differ in the first dimension only.
 */
export class GatheredBatch {
  readonly inputs: readonly Tensor[];
  readonly inputBytes: number;
  /** Every output that any of the requests wants. */
  readonly outputNames: readonly string[];
  /** Rows of all requests together. */
  readonly size: number;
  readonly #executions: readonly Execution[];

  /** @param executions One or more. */
  constructor(executions: readonly Execution[], memory: BatchMemory) {
    const { inputs } = (executions[0] as Execution).request;
    this.#executions = executions;
    this.size = sizeOf(executions);
    this.inputs =
      executions.length === 1
        ? inputs
        : inputs.map((input, index) => gather(executions, input, index, this.size, memory));
    this.inputBytes = this.inputs.reduce((bytes, { data }) => bytes + data.byteLength, 0);
    this.outputNames = outputNamesOf(executions);
  }

  /**
   * Parts the outputs among the requests: for each execution the tensors that it asked for, in the
   * order in which it did.
   *
   * @param outputs In the order of `outputNames`. Stay referenced by the parts, which are views.
   * @throws TritonError INTERNAL for an output that does not have one row for each of the batch.
   */
  scatter(outputs: readonly BatchOutput[]): Tensor[][] {
    if (this.#executions.length === 1) {
      return [outputs.map((output, i) => named(this.outputNames[i] as string, output))];
    }
    const parts = this.#executions.map((): Tensor[] => []);
    const byName = new Map(
      this.outputNames.map((name, i) => [name, this.#rows(name, outputs[i] as BatchOutput)]),
    );
    for (const [index, { request }] of this.#executions.entries()) {
      for (const name of request.outputNames) {
        (parts[index] as Tensor[]).push((byName.get(name) as Tensor[])[index] as Tensor);
      }
    }
    return parts;
  }

  /** One output's part for each execution. */
  #rows(name: string, output: BatchOutput): Tensor[] {
    const { dataType, shape, data } = output;
    if (shape[0] !== this.size) {
      throw new TritonError(
        'INTERNAL',
        `output '${name}' of a batch of ${this.size} has shape [${shape.join(',')}], its first dimension must be the batch's size`,
      );
    }
    const rowElements = shape.slice(1).reduce((product, dim) => product * dim, 1);
    const rowBytes = data.byteLength / this.size;
    let offset = 0;
    return this.#executions.map(({ request }) => {
      const rows = request.batchSize;
      const start = offset;
      offset =
        dataType === 'BYTES'
          ? skipStrings(data, start, rows * rowElements)
          : start + rows * rowBytes;
      const part = data.subarray(start, offset);
      return { name, dataType, shape: [rows, ...shape.slice(1)], data: part };
    });
  }
}

function sizeOf(executions: readonly Execution[]): number {
  let size = 0;
  for (const { request } of executions) size += request.batchSize;
  return size;
}

function gather(
  executions: readonly Execution[],
  first: Tensor,
  index: number,
  size: number,
  memory: BatchMemory,
): Tensor {
  const { name, dataType, shape } = first;
  const parts = executions.map(({ request }) => dataOf(request.inputs, name, index));
  const byteLength = parts.reduce((bytes, part) => bytes + part.byteLength, 0);
  const data = memory.take(index, byteLength);
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.byteLength;
  }
  return { name, dataType, shape: [size, ...shape.slice(1)], data };
}

/** Clients list their inputs in the same order, most of the time. */
function dataOf(inputs: readonly Tensor[], name: string, index: number): Uint8Array {
  const inPlace = inputs[index];
  const tensor =
    inPlace?.name === name ? inPlace : inputs.find((candidate) => candidate.name === name);
  if (tensor === undefined)
    throw new Error(`a batch was made of requests with and without ${name}`);
  return tensor.data;
}

function outputNamesOf(executions: readonly Execution[]): readonly string[] {
  const { outputNames } = (executions[0] as Execution).request;
  // Requests that name no outputs share one list.
  if (executions.every(({ request }) => request.outputNames === outputNames)) return outputNames;
  return [...new Set(executions.flatMap(({ request }) => request.outputNames))];
}

function named(name: string, { dataType, shape, data }: BatchOutput): Tensor {
  return { name, dataType, shape, data };
}

/** Where the strings that follow end. */
function skipStrings(data: Uint8Array, start: number, count: number): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let offset = start;
  for (let i = 0; i < count; i++) {
    offset += lengthPrefixBytes + view.getUint32(offset, true);
  }
  return offset;
}
