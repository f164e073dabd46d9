import { emptyModelConfig, type ModelConfig, type Tensor, TritonError } from '@nereid/protocol';
import type { InferRequest } from '../../server/src/core/infer-request.ts';
import type { InferResponse, ResponseSink } from '../../server/src/core/infer-response.ts';
import type { ModelKey } from '../../server/src/core/model-key.ts';
import type { Scheduler } from '../../server/src/core/scheduler.ts';
import type { ModelRegistry, ServedModel } from '../../server/src/lifecycle/served-model.ts';
import { ModelStatistics } from '../../server/src/observability/model-statistics.ts';
import { ManualClock } from './manual-clock.ts';

/** What a fake model does with a request: answers it, or fails it. Null leaves it unanswered until the test does. */
export type FakeExecute = (request: InferRequest) => readonly Tensor[] | TritonError | null;

/** Executes inline with a function, or keeps requests for the test to answer. */
export class FakeScheduler implements Scheduler {
  /** Everything that was ever enqueued, in order. */
  readonly enqueued: { readonly request: InferRequest; readonly sink: ResponseSink }[] = [];
  readonly #key: ModelKey;
  readonly #execute: FakeExecute;

  constructor(key: ModelKey, execute: FakeExecute) {
    this.#key = key;
    this.#execute = execute;
  }

  enqueue(request: InferRequest, sink: ResponseSink): void {
    this.enqueued.push({ request, sink });
    const result = this.#execute(request);
    if (result === null) return;
    if (result instanceof TritonError) sink.fail(result);
    else sink.respond(this.response(request, result), true);
  }

  /** An answer with these outputs, as a backend would make it. */
  response(request: InferRequest, outputs: readonly Tensor[]): InferResponse {
    return {
      modelName: this.#key.name,
      modelVersion: String(this.#key.version),
      id: request.id,
      parameters: new Map(),
      outputs,
    };
  }

  readonly pendingCount = 0;

  get inflightCount(): number {
    return this.enqueued.length;
  }

  async stop(): Promise<void> {}
}

export interface FakeServedModelOptions {
  readonly name?: string;
  readonly version?: number;
  readonly config?: Partial<ModelConfig>;
  readonly labels?: ReadonlyMap<string, readonly string[]>;
  readonly directory?: string;
  /** Echoes nothing by default: every request is left unanswered. */
  readonly execute?: FakeExecute;
}

/** A model without a life cycle: counts how often it is held. */
export class FakeServedModel implements ServedModel {
  readonly key: ModelKey;
  readonly config: ModelConfig;
  readonly labels: ReadonlyMap<string, readonly string[]>;
  readonly directory: string;
  readonly scheduler: FakeScheduler;
  readonly tensorsInPlace: boolean = false;
  readonly statistics: ModelStatistics = new ModelStatistics(new ManualClock());
  /** References that are held at the moment. */
  retained = 0;

  constructor(options: FakeServedModelOptions = {}) {
    const name = options.name ?? 'model';
    this.key = { namespace: '', name, version: options.version ?? 1 };
    this.config = { ...emptyModelConfig(), name, ...options.config };
    this.labels = options.labels ?? new Map();
    this.directory = options.directory ?? '/nowhere';
    this.scheduler = new FakeScheduler(this.key, options.execute ?? (() => null));
  }

  retain(): void {
    this.retained++;
  }

  release(): void {
    if (this.retained === 0) throw new Error('released more often than retained');
    this.retained--;
  }
}

/** Finds models in a list. */
export class FakeModelRegistry implements ModelRegistry {
  readonly #models: readonly ServedModel[];

  constructor(models: readonly ServedModel[]) {
    this.#models = models;
  }

  find(name: string, version: number | null): ServedModel {
    const named = this.#models.filter((model) => model.key.name === name);
    if (named.length === 0) {
      throw new TritonError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
    }
    const found = named.findLast((model) => version === null || model.key.version === version);
    if (found === undefined) {
      throw new TritonError(
        'NOT_FOUND',
        `Request for unknown model: '${name}' version ${version} is not found`,
      );
    }
    return found;
  }
}
