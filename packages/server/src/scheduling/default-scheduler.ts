import type { BackendInstance } from '../core/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { InferRequest } from '../core/infer-request.ts';
import type { ResponseSink } from '../core/infer-response.ts';
import { QueueFullError } from '../core/queue-full-error.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import { endBatch } from './end-batch.ts';
import { ExecutionsAhead } from './executions-ahead.ts';
import { IdleInstances, type InstanceUser } from './idle-instances.ts';
import { RequestIntake } from './request-intake.ts';
import { RequestQueue } from './request-queue.ts';
import {
  queueRequestsMaxDefault,
  type RequestOwner,
  ScheduledRequest,
  stoppingError,
} from './scheduled-request.ts';

export interface DefaultSchedulerOptions {
  readonly modelName: string;
  readonly instances: readonly BackendInstance[];
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly queueRequestsMax?: number;
}

/**
 * First come, first served: each request runs alone, on whichever instance is free, with the batch
 * that the client made of it. An instance that takes executions ahead gets some while it runs another.
 */
export class DefaultScheduler implements Scheduler, RequestOwner, InstanceUser {
  readonly modelName: string;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly #queueRequestsMax: number;
  readonly #queue = new RequestQueue<ScheduledRequest>();
  readonly #idle: IdleInstances;
  readonly #ahead = new ExecutionsAhead();
  readonly #intake = new RequestIntake();

  constructor(options: DefaultSchedulerOptions) {
    this.modelName = options.modelName;
    this.statistics = options.statistics;
    this.clock = options.clock;
    this.#queueRequestsMax = options.queueRequestsMax ?? queueRequestsMaxDefault;
    this.#idle = new IdleInstances(options.instances);
  }

  get pendingCount(): number {
    return this.#queue.length + this.#ahead.total;
  }

  get inflightCount(): number {
    return this.#intake.inflight;
  }

  enqueue(request: InferRequest, sink: ResponseSink): void {
    const scheduled = new ScheduledRequest(this, request, sink);
    if (!this.#intake.enter()) {
      scheduled.reject('REJECTED', stoppingError());
      return;
    }
    const instance = this.#queue.length === 0 ? this.#take() : undefined;
    if (instance !== undefined) {
      this.#run(instance, scheduled);
    } else if (this.#queue.length >= this.#queueRequestsMax) {
      scheduled.reject('REJECTED', new QueueFullError());
    } else {
      this.#queue.push(scheduled);
      scheduled.watchCancellation();
    }
  }

  stop(): Promise<void> {
    return this.#intake.close();
  }

  /** Called by a request that was cancelled while it waited. */
  dropFromQueue(scheduled: ScheduledRequest): void {
    if (this.#queue.remove(scheduled)) scheduled.rejectCancelled();
  }

  /** Called once by every request when its answer is out. */
  settled(): void {
    this.#intake.leave();
  }

  /** @inheritdoc */
  replaceInstances(instances: readonly BackendInstance[]): Promise<void> {
    const left = this.#idle.replace(instances);
    for (let waiting = this.#queue.length; waiting > 0; waiting--) {
      const instance = this.#take();
      if (instance === undefined) break;
      this.#runNext(instance);
    }
    return left;
  }

  /** An instance for one more execution. */
  #take(): BackendInstance | undefined {
    return this.#idle.pop() ?? this.#ahead.take(this.#idle.only);
  }

  #giveBack(instance: BackendInstance): void {
    if (!this.#ahead.giveBack(instance)) this.#idle.push(instance);
  }

  /** What an instance gets next; nothing when the model has it no more, or others for it to wait for. */
  #next(instance: BackendInstance): ScheduledRequest | undefined {
    if (!this.#idle.keeps(instance)) return undefined;
    return this.#ahead.allowsNext(instance, this.#idle.only) ? this.#queue.shift() : undefined;
  }

  #runNext(instance: BackendInstance): void {
    const waiting = this.#next(instance);
    if (waiting === undefined) this.#giveBack(instance);
    else this.#run(instance, waiting);
  }

  #run(instance: BackendInstance, first: ScheduledRequest): void {
    let next: ScheduledRequest | undefined = first;
    while (next !== undefined) {
      const scheduled: ScheduledRequest = next;
      next = undefined;
      scheduled.unwatchCancellation();
      if (scheduled.request.cancellation.cancelled) {
        scheduled.rejectCancelled();
        next = this.#next(instance);
        continue;
      }
      const work = instance.execute([scheduled]);
      if (work !== null) {
        void work.then(() => {
          endBatch([scheduled], scheduled.request.batchSize, this.statistics);
          this.#runNext(instance);
        });
        return;
      }
      endBatch([scheduled], scheduled.request.batchSize, this.statistics);
      next = this.#next(instance);
    }
    this.#giveBack(instance);
  }
}
