import { type BatchInput, type Tensor, TritonError } from '@nereid/protocol';
import type { Execution } from '../../core/execution.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import { batchInputTensors } from './batch-inputs.ts';
import type { BatchLayout } from './batch-layout.ts';
import type { BatchMemory } from './batch-memory.ts';
import { elementCountOf } from './element-count-of.ts';
import { noInputsError } from './no-inputs-error.ts';
import {
  type BatchOutput,
  type OutputPart,
  rowsOf,
  splitByInputShape,
  splitByRows,
} from './split-output.ts';

/**
 * Several requests as one: each input is one tensor whose rows are the requests', in their order, and
 * each request's outputs are views of its rows of the batch's outputs. Every tensor is copied once, on
 * its way in. A batch of one request is that request's own memory.
 *
 * The requests must be mergeable: the same inputs, of shapes that differ in the first dimension only.
 * Inputs that the layout calls ragged may have any shape: the batch holds their elements in one dimension.
 */
export class GatheredBatch {
  readonly inputs: readonly Tensor[];
  readonly inputBytes: number;
  /** Every output that any of the requests wants, and every one that holds a new state. */
  readonly outputNames: readonly string[];
  /** Outputs that hold new states of the requests' sequences. */
  readonly stateNames: readonly string[];
  /** Rows of all requests together. */
  readonly size: number;
  readonly #requests: readonly InferRequest[];
  readonly #layout: BatchLayout;

  /** @param executions One or more. */
  constructor(executions: readonly Execution[], layout: BatchLayout, memory: BatchMemory) {
    const requests = executions.map(({ request }) => request);
    this.#requests = requests;
    this.#layout = layout;
    this.size = requests.reduce((size, { batchSize }) => size + batchSize, 0);
    this.inputs = gatherAll(requests, layout, this.size, memory);
    this.inputBytes = this.inputs.reduce((bytes, { data }) => bytes + data.byteLength, 0);
    this.stateNames = stateNamesOf(executions);
    this.outputNames = outputNamesOf(requests, this.stateNames);
  }

  /**
   * Parts the outputs among the requests: for each execution the tensors that it asked for, in the
   * order in which it did; or what to tell a request for which the model gave too little.
   *
   * @param outputs In the order of `outputNames`. Stay referenced by the parts, which are views.
   */
  scatter(outputs: readonly BatchOutput[]): (readonly Tensor[] | TritonError)[] {
    const [only] = this.#requests;
    if (this.#requests.length === 1 && this.#isWhole(only as InferRequest, outputs)) {
      return [outputs.map((output, i) => named(this.outputNames[i] as string, output))];
    }
    const wanted = new Set(this.#requests.flatMap(({ outputNames }) => outputNames));
    const byName = new Map([...wanted].map((name) => [name, this.partsOf(name, outputs)]));
    return this.#requests.map(({ outputNames }, index) => {
      const parts = outputNames.map((name) => byName.get(name)?.[index] as OutputPart);
      const error = parts.find((part) => part instanceof TritonError);
      return error ?? (parts as Tensor[]);
    });
  }

  /** One output's part for each request. @param outputs In the order of `outputNames`. */
  partsOf(name: string, outputs: readonly BatchOutput[]): readonly OutputPart[] {
    return this.#split(name, outputs[this.outputNames.indexOf(name)] as BatchOutput);
  }

  /** Whether the outputs are a request's as they are. */
  #isWhole(request: InferRequest, outputs: readonly BatchOutput[]): boolean {
    const { batches, scattered } = this.#layout;
    if (this.stateNames.length > 0) return false;
    if (scattered.size > 0) return false;
    if (!batches) return true;
    const rows = rowsOf(request);
    // The runtime has scalars without any dimension.
    return outputs.every(({ shape }) => shape.length === 0 || shape[0] === rows);
  }

  #split(name: string, output: BatchOutput): OutputPart[] {
    const { batches, scattered } = this.#layout;
    const byShape = scattered.get(name);
    if (byShape !== undefined) return splitByInputShape(name, output, byShape, this.#requests);
    if (batches) return splitByRows(name, output, this.#requests);
    // Without batching every request has the whole.
    return this.#requests.map(() => named(name, output));
  }
}

function gatherAll(
  requests: readonly InferRequest[],
  layout: BatchLayout,
  size: number,
  memory: BatchMemory,
): readonly Tensor[] {
  const { inputs } = requests[0] as InferRequest;
  if (layout.batches && inputs.length === 0) throw noInputsError(requests[0] as InferRequest);
  const { ragged, batchInputs } = layout;
  const plain = ragged.size === 0 && batchInputs.length === 0;
  if (requests.length === 1 && plain) return inputs;
  const gathered = inputs.map((input, index) =>
    gather(requests, input, index, size, ragged.has(input.name), memory),
  );
  if (plain) return gathered;
  return [
    ...gathered,
    ...batchInputs.flatMap((batchInput, index) =>
      tellOfBatch(requests, batchInput, inputs.length + index, memory),
    ),
  ];
}

function gather(
  requests: readonly InferRequest[],
  first: Tensor,
  index: number,
  size: number,
  isRagged: boolean,
  memory: BatchMemory,
): Tensor {
  const { name, dataType } = first;
  const parts = requests.map(({ inputs }) => inputNamed(inputs, name, index));
  const shape = isRagged
    ? [parts.reduce((count, part) => count + elementCountOf(part.shape), 0)]
    : [size, ...first.shape.slice(1)];
  if (parts.length === 1) return isRagged ? { ...first, shape } : first;
  const byteLength = parts.reduce((bytes, { data }) => bytes + data.byteLength, 0);
  const data = memory.take(index, byteLength);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.byteLength;
  }
  return { name, dataType, shape, data };
}

function tellOfBatch(
  requests: readonly InferRequest[],
  batchInput: BatchInput,
  slot: number,
  memory: BatchMemory,
): Tensor[] {
  const source = batchInput.source_input[0] as string;
  const shapes = requests.map(({ inputs }) => inputNamed(inputs, source, 0).shape);
  return batchInputTensors(batchInput, shapes, (bytes) => memory.take(slot, bytes));
}

/** Clients list their inputs in the same order, most of the time. */
function inputNamed(inputs: readonly Tensor[], name: string, index: number): Tensor {
  const inPlace = inputs[index];
  const tensor =
    inPlace?.name === name ? inPlace : inputs.find((candidate) => candidate.name === name);
  if (tensor === undefined) {
    throw new TritonError('INVALID_ARG', `a request of the batch has no input '${name}'`);
  }
  return tensor;
}

function stateNamesOf(executions: readonly Execution[]): readonly string[] {
  // Rows that only fill the batch up have none; all others have the same.
  return executions.find(({ states }) => states != null)?.states?.outputNames ?? [];
}

function outputNamesOf(
  requests: readonly InferRequest[],
  stateNames: readonly string[],
): readonly string[] {
  const { outputNames } = requests[0] as InferRequest;
  // Requests that name no outputs share one list.
  const shared = requests.every((request) => request.outputNames === outputNames);
  if (shared && stateNames.length === 0) return outputNames;
  return [...new Set([...requests.flatMap((request) => request.outputNames), ...stateNames])];
}

function named(name: string, { dataType, shape, data }: BatchOutput): Tensor {
  return { name, dataType, shape, data };
}
