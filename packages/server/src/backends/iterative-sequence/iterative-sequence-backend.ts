import type { ModelConfig } from '@nereid/protocol';
import { type ParameterValue, type Tensor, TritonError } from '@nereid/protocol';
import type {
  Backend,
  BackendInstance,
  BackendLoadContext,
  BackendModel,
} from '../../core/backend.ts';
import type { Execution } from '../../core/execution.ts';
import { instanceNames } from '../../model-config/instance-groups.ts';
import { inputNamed, int32Values } from '../row-model/int32-tensor.ts';
import { require, requireCpuInstances } from '../row-model/row-model-config.ts';

/** How long each execution of a request takes on purpose. */
const executeMs = 500;

/** Counts that are kept between executions. */
const countsMax = 65_536;

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/**
 * Triton's `iterative_sequence` test backend: answers INPUT times with what is left to answer, and
 * gives the request back after each answer but the last.
 */
export class IterativeSequenceBackend implements Backend {
  readonly name = 'iterative_sequence';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config } = context;
    const [input] = config.input;
    require(input?.name === 'INPUT' &&
      input.data_type === 'TYPE_INT32', "model must have an input 'INPUT' of TYPE_INT32");
    requireCpuInstances(config, this.name);
    return new IterativeSequenceModel(context);
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

class IterativeSequenceModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];

  constructor(context: BackendLoadContext) {
    this.config = context.config;
    this.instances = instanceNames(context.config).map((name) => new Countdown(name, context));
  }

  async unload(): Promise<void> {
    // Holds nothing.
  }
}

class Countdown implements BackendInstance {
  readonly name: string;
  readonly #context: BackendLoadContext;
  /** What is left, by correlation id. */
  readonly #left = new Map<unknown, number>();

  constructor(name: string, context: BackendLoadContext) {
    this.name = name;
    this.#context = context;
  }

  async execute(batch: readonly Execution[]): Promise<void> {
    const { clock } = this.#context;
    for (const execution of batch) {
      execution.computeStartNs = clock.nowNs();
      execution.computeInputEndNs = execution.computeStartNs;
      const left = this.#countDown(execution);
      execution.computeOutputStartNs = clock.nowNs();
      execution.computeEndNs = execution.computeOutputStartNs;
      await new Promise<void>((resolve) => {
        clock.setTimer(executeMs, resolve);
      });
      this.#answer(execution, left);
    }
  }

  #countDown({ request }: Execution): number {
    const { sequenceId: id, sequenceStart } = request.parameters;
    const before =
      (sequenceStart ? undefined : this.#left.get(id)) ??
      int32Values(inputNamed(request, 'INPUT') as Tensor)[0] ??
      0;
    const left = before - 1;
    this.#left.delete(id);
    if (left > 0) this.#left.set(id, left);
    // Those whose client has gone would stay for ever.
    if (this.#left.size > countsMax) this.#left.delete(this.#left.keys().next().value);
    return left;
  }

  #answer(execution: Execution, left: number): void {
    const { request, sink } = execution;
    const final = left <= 0;
    try {
      if (!final) execution.reschedule?.();
    } catch (error) {
      if (!(error instanceof TritonError)) throw error;
      this.#left.delete(request.parameters.sequenceId);
      sink.fail(error, { final: true });
      return;
    }
    const { modelName, version, config } = this.#context;
    const output: Tensor = {
      name: 'OUTPUT',
      dataType: 'INT32',
      shape: config.max_batch_size > 0 ? [1, 1] : [1],
      data: new Uint8Array(Int32Array.of(left).buffer),
    };
    const names = { modelName, modelVersion: String(version), id: request.id };
    sink.respond({ ...names, parameters: noParameters, outputs: [output] }, final);
  }
}
