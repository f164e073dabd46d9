import { allocateAligned } from '@nereid/native';
import type { ModelConfig, Tensor } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ResponseSink } from '../../core/infer-response.ts';
import type { EndingExecution } from '../end-batch.ts';
import type { SequenceRequest } from './sequence-request.ts';

/** Takes answers that nobody waits for. */
const nobody: ResponseSink = { respond() {}, fail() {} };

/** A row of a direct batch for a slot that has no request: it keeps those behind it in their rows. */
class PaddingExecution implements EndingExecution {
  readonly request: InferRequest;
  readonly sink: ResponseSink = nobody;
  readonly states = null;
  readonly queueStartNs: number;
  computeStartNs = 0;
  computeInputEndNs = 0;
  computeOutputStartNs = 0;
  computeEndNs = 0;
  detached = false;

  constructor(request: InferRequest, queueStartNs: number) {
    this.request = request;
    this.queueStartNs = queueStartNs;
  }

  executionEnded(): void {
    // There is no answer to see to.
  }
}

/** Makes rows without a request. All of one model version share the zeros in them. */
export class PaddingRows {
  readonly #shapeTensors: ReadonlySet<string>;
  readonly #notReady: readonly Tensor[];
  #zeros: Uint8Array = allocateAligned(0);

  /** @param notReady The controls of such a row. */
  constructor(config: ModelConfig, notReady: readonly Tensor[]) {
    this.#shapeTensors = new Set(
      config.input.filter((input) => input.is_shape_tensor).map((input) => input.name),
    );
    this.#notReady = notReady;
  }

  /** A row that fits beside `like`, which was prepared: the same shapes, zeros, and not READY. */
  rowLike({ request, queueStartNs }: SequenceRequest): EndingExecution {
    const inputs = request.inputs.map(
      (input) => this.#notReady.find(({ name }) => name === input.name) ?? this.#empty(input),
    );
    const parameters = {
      ...request.parameters,
      sequenceId: null,
      sequenceStart: false,
      sequenceEnd: false,
    };
    const row = { ...request, id: '', parameters, inputs, outputNames: [], trace: null };
    return new PaddingExecution(row, queueStartNs);
  }

  /** A shape tensor's values hold for the whole batch. */
  #empty(input: Tensor): Tensor {
    if (this.#shapeTensors.has(input.name)) return input;
    const { name, dataType, shape } = input;
    const count = shape.reduce((product, dim) => product * dim, 1);
    // An empty string is four bytes of length.
    const bytes = dataType === 'BYTES' ? 4 * count : input.data.byteLength;
    if (this.#zeros.byteLength < bytes) this.#zeros = allocateAligned(bytes).fill(0);
    return { name, dataType, shape, data: this.#zeros.subarray(0, bytes) };
  }
}
