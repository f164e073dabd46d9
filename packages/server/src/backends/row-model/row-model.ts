import { type ModelConfig, type ParameterValue, type Tensor, TritonError } from '@nereid/protocol';
import type {
  BackendInstance,
  BackendLoadContext,
  BackendModel,
  InstancePlace,
} from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import { instanceNames } from '../../model-config/instance-groups.ts';

/** What an instance does with one request of a batch: its outputs, or why there are none. */
export type ExecuteRow = (execution: Execution, row: number) => readonly Tensor[] | TritonError;

export interface RowModelOptions {
  /** Makes what one instance does; called once for each. */
  readonly instance: () => ExecuteRow;
  /** How long each execution takes on purpose. */
  readonly delayMs?: number;
}

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/** A small model in this process that looks at the requests of a batch one by one. */
export class RowModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  readonly #context: BackendLoadContext;
  readonly #options: RowModelOptions;

  constructor(context: BackendLoadContext, options: RowModelOptions) {
    this.#context = context;
    this.#options = options;
    this.config = context.config;
    this.instances = instanceNames(context.config).map((name) => this.#instance(name));
  }

  /** Where a model says no to a GPU, that is for its load to say. */
  acceptsInstance({ group }: InstancePlace): boolean {
    return group.kind !== 'KIND_GPU';
  }

  async addInstance({ name }: InstancePlace): Promise<BackendInstance> {
    return this.#instance(name);
  }

  async removeInstance(): Promise<void> {
    // Holds nothing.
  }

  async unload(): Promise<void> {
    // Holds nothing.
  }

  #instance(name: string): RowInstance {
    const { instance, delayMs = 0 } = this.#options;
    return new RowInstance(name, this.#context, instance(), delayMs);
  }
}

class RowInstance implements BackendInstance {
  readonly name: string;
  readonly #modelName: string;
  readonly #modelVersion: string;
  readonly #clock: Clock;
  readonly #executeRow: ExecuteRow;
  readonly #delayMs: number;

  constructor(
    name: string,
    { modelName, version, clock }: BackendLoadContext,
    executeRow: ExecuteRow,
    delayMs: number,
  ) {
    this.name = name;
    this.#modelName = modelName;
    this.#modelVersion = String(version);
    this.#clock = clock;
    this.#executeRow = executeRow;
    this.#delayMs = delayMs;
  }

  execute(batch: readonly Execution[]): Promise<void> | null {
    if (this.#delayMs === 0) {
      this.#executeAll(batch);
      return null;
    }
    return new Promise((resolve) => {
      this.#clock.setTimer(this.#delayMs, () => {
        this.#executeAll(batch);
        resolve();
      });
    });
  }

  #executeAll(batch: readonly Execution[]): void {
    for (const [row, execution] of batch.entries()) {
      const startNs = this.#clock.nowNs();
      execution.computeStartNs = startNs;
      execution.computeInputEndNs = startNs;
      const outputs = this.#executeRow(execution, row);
      execution.computeOutputStartNs = this.#clock.nowNs();
      execution.computeEndNs = execution.computeOutputStartNs;
      this.#answer(execution, outputs);
    }
  }

  #answer({ request, sink }: Execution, outputs: readonly Tensor[] | TritonError): void {
    if (request.cancellation.cancelled) {
      sink.fail(new TritonError('CANCELLED', 'the request was cancelled while it was executed'));
    } else if (outputs instanceof TritonError) {
      sink.fail(outputs, { final: true });
    } else {
      const { id } = request;
      const answer = { modelName: this.#modelName, modelVersion: this.#modelVersion, id };
      sink.respond({ ...answer, parameters: noParameters, outputs }, true);
    }
  }
}
