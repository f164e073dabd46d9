import type { ModelConfig } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ResponseSink } from '../../core/infer-response.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import type { InstanceUser } from '../idle-instances.ts';
import { RequestIntake } from '../request-intake.ts';
import { type RequestOwner, ScheduledRequest, stoppingError } from '../scheduled-request.ts';
import type { BatchingReport } from './batch-counters.ts';
import { DynamicBatcher, type DynamicBatcherOptions } from './dynamic-batcher.ts';

export interface DynamicBatchSchedulerOptions
  extends Omit<DynamicBatcherOptions, 'batching' | 'counters'> {
  /** With `dynamic_batching`. */
  readonly config: ModelConfig;
}

/** The door to a dynamic batcher: lets requests in until it is shut, and answers those that leave. */
export class DynamicBatchScheduler implements Scheduler, RequestOwner, InstanceUser {
  readonly modelName: string;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly #batcher: DynamicBatcher;
  readonly #intake = new RequestIntake();

  constructor(options: DynamicBatchSchedulerOptions) {
    const batching = options.config.dynamic_batching;
    if (batching === null) throw new Error(`model '${options.modelName}' has no dynamic_batching`);
    this.modelName = options.modelName;
    this.statistics = options.statistics;
    this.clock = options.clock;
    this.#batcher = new DynamicBatcher({ ...options, batching });
  }

  get pendingCount(): number {
    return this.#batcher.pendingCount;
  }

  get inflightCount(): number {
    return this.#intake.inflight;
  }

  batchingReport(): BatchingReport {
    return this.#batcher.batchingReport();
  }

  enqueue(request: InferRequest, sink: ResponseSink): void {
    const scheduled = new ScheduledRequest(this, request, sink);
    this.#batcher.enter(request);
    if (this.#intake.enter()) this.#batcher.add(scheduled);
    else scheduled.reject('REJECTED', stoppingError());
  }

  /** @inheritdoc */
  replaceInstances(instances: readonly BackendInstance[]): Promise<void> {
    return this.#batcher.replaceInstances(instances);
  }

  async stop(): Promise<void> {
    this.#batcher.stop();
    await this.#intake.close();
    this.#batcher.close();
  }

  /** Called by a request that was cancelled while it waited. */
  dropFromQueue(scheduled: ScheduledRequest): void {
    if (this.#batcher.remove(scheduled)) scheduled.rejectCancelled();
  }

  /** Called once by every request when its answer is out. */
  settled({ request }: ScheduledRequest): void {
    this.#batcher.leave(request);
    this.#intake.leave();
  }
}
