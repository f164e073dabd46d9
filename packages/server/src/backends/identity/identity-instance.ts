import {
  dataTypeFromConfig,
  elementByteSize,
  type ModelConfig,
  type ParameterValue,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';

export interface IdentityInstanceParts {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly config: ModelConfig;
  readonly delayMs: number;
  readonly clock: Clock;
}

/** What Triton's backend puts on every response, to show that responses can carry parameters. */
const responseParameters: ReadonlyMap<string, ParameterValue> = new Map<string, ParameterValue>([
  ['param0', { kind: 'string', value: 'an example string parameter' }],
  ['param1', { kind: 'int', value: 42n }],
  ['param2', { kind: 'bool', value: false }],
  ['param3', { kind: 'double', value: 123.123 }],
]);

/** Answers with the request's own tensors: the same memory, nothing is copied. */
export class IdentityInstance implements BackendInstance {
  readonly name: string;
  readonly #parts: IdentityInstanceParts;

  constructor(name: string, parts: IdentityInstanceParts) {
    this.name = name;
    this.#parts = parts;
  }

  execute(batch: readonly Execution[]): Promise<void> | null {
    const { clock, delayMs } = this.#parts;
    const startNs = clock.nowNs();
    if (delayMs === 0) {
      this.#answerAll(batch, startNs);
      return null;
    }
    return new Promise<void>((resolve) => {
      let pending = true;
      const finish = (): void => {
        if (!pending) return;
        pending = false;
        timer.cancel();
        this.#answerAll(batch, startNs);
        resolve();
      };
      const timer = clock.setTimer(delayMs, finish);
      // Nobody waits any more: no need to sit the delay out.
      for (const { request } of batch) {
        request.cancellation.onCancel(() => {
          if (batch.every((execution) => execution.request.cancellation.cancelled)) finish();
        });
      }
    });
  }

  #answerAll(batch: readonly Execution[], startNs: number): void {
    for (const execution of batch) {
      if (execution.request.cancellation.cancelled) {
        execution.sink.fail(
          new TritonError('CANCELLED', 'the request was cancelled while it was executed'),
        );
      } else {
        this.#answer(execution, startNs);
      }
    }
  }

  #answer(execution: Execution, startNs: number): void {
    const { clock, modelName, modelVersion } = this.#parts;
    const { request } = execution;
    execution.computeStartNs = startNs;
    execution.computeInputEndNs = startNs;
    execution.computeOutputStartNs = clock.nowNs();
    const outputs = request.outputNames.map((name) =>
      this.#output(name, request.inputs, request.batchSize),
    );
    execution.computeEndNs = clock.nowNs();
    execution.sink.respond(
      { modelName, modelVersion, id: request.id, parameters: responseParameters, outputs },
      true,
    );
  }

  /** The input of the same number; zeros when that input is optional and was left out. */
  #output(name: string, inputs: readonly Tensor[], batchSize: number): Tensor {
    const inputName = `INPUT${name.slice('OUTPUT'.length)}`;
    const input = inputs.find((tensor) => tensor.name === inputName);
    if (input !== undefined) {
      return { name, dataType: input.dataType, shape: input.shape, data: input.data };
    }
    const { config } = this.#parts;
    const declared = config.input.find((entry) => entry.name === inputName);
    if (declared === undefined) throw new Error(`no pair for output '${name}'`);
    const dataType = dataTypeFromConfig(declared.data_type);
    if (dataType === null) throw new Error(`no data type for output '${name}'`);
    const dims = declared.dims.map((dim) => (dim < 0 ? 1 : dim));
    const shape = config.max_batch_size > 0 ? [batchSize, ...dims] : dims;
    const count = shape.reduce((product, dim) => product * dim, 1);
    // An empty string is four bytes of length.
    const elementBytes = dataType === 'BYTES' ? 4 : elementByteSize(dataType);
    return { name, dataType, shape, data: new Uint8Array(count * elementBytes) };
  }
}
