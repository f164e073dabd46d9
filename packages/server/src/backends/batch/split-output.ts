import { elementByteSize, type Tensor, TritonError } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ScatteredOutput } from './batch-layout.ts';
import { elementCountOf } from './element-count-of.ts';

/** The result of running a batch: row-major, strings behind their lengths. */
export type BatchOutput = Pick<Tensor, 'dataType' | 'shape' | 'data'>;

/** One request's part of an output, a view; or why it has none. */
export type OutputPart = Tensor | TritonError;

/** Bytes of the little-endian length before each string element. */
const lengthPrefixBytes = 4;

/**
 * Parts an output whose rows are the requests' rows, in their order. What the model gave beyond the
 * last of them is left out, as in Triton.
 */
export function splitByRows(
  name: string,
  output: BatchOutput,
  requests: readonly InferRequest[],
): OutputPart[] {
  const rowsThere = output.shape[0] ?? 1;
  const cursor = new OutputCursor(name, output);
  let rows = 0;
  return requests.map((request) => {
    const own = rowsOf(request);
    rows += own;
    if (rows > rowsThere) return tooFewRows(name, rows, rowsThere);
    return cursor.take([own, ...output.shape.slice(1)]) as Tensor;
  });
}

/** Parts an output by the shapes that its source input has: `BATCH_SCATTER_WITH_INPUT_SHAPE`. */
export function splitByInputShape(
  name: string,
  output: BatchOutput,
  { shape, sourceInput }: ScatteredOutput,
  requests: readonly InferRequest[],
): OutputPart[] {
  const cursor = new OutputCursor(name, output);
  return requests.map((request) => {
    const source = request.inputs.find((input) => input.name === sourceInput)?.shape ?? [];
    const own = shape.map((dim, i) => (dim === -1 ? (source[i] ?? -1) : dim));
    return (own.includes(-1) ? null : cursor.take(own)) ?? tooFewElements(name, own, sourceInput);
  });
}

/** Rows of one request: its batch size, save for the requests with a batch of none. */
export function rowsOf({ inputs, batchSize }: InferRequest): number {
  return inputs[0]?.shape[0] ?? batchSize;
}

/** Walks an output's elements from the first to the last. */
class OutputCursor {
  readonly #name: string;
  readonly #output: BatchOutput;
  #elementsLeft: number;
  #offset = 0;

  constructor(name: string, output: BatchOutput) {
    this.#name = name;
    this.#output = output;
    this.#elementsLeft = elementCountOf(output.shape);
  }

  /** The next tensor of this shape; null where there is no more so much. */
  take(shape: readonly number[]): Tensor | null {
    const { dataType, data } = this.#output;
    const count = elementCountOf(shape);
    this.#elementsLeft -= count;
    if (this.#elementsLeft < 0) return null;
    const start = this.#offset;
    this.#offset =
      dataType === 'BYTES'
        ? skipStrings(data, start, count)
        : start + count * elementByteSize(dataType);
    return { name: this.#name, dataType, shape, data: data.subarray(start, this.#offset) };
  }
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

function tooFewRows(name: string, expected: number, there: number): TritonError {
  return new TritonError(
    'UNSUPPORTED',
    `failed to split the output tensor '${name}' in responses: expected batch size of at least ${expected} in model output, got ${there}`,
  );
}

function tooFewElements(name: string, shape: readonly number[], source: string): TritonError {
  return new TritonError(
    'INTERNAL',
    `failed to split the output tensor '${name}' in responses: the model's output has no part of shape [${shape.join(',')}], which input '${source}' of the request asks for`,
  );
}
