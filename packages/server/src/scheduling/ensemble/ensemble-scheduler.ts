import type { ModelConfig } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ResponseSink } from '../../core/infer-response.ts';
import type { Logger } from '../../core/logger.ts';
import { QueueFullError } from '../../core/queue-full-error.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { StepModels } from '../../core/step-models.ts';
import { traceIdOf } from '../../core/trace.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import { RequestIntake } from '../request-intake.ts';
import { queueRequestsMaxDefault, stoppingError } from '../scheduled-request.ts';
import { type EnsemblePlan, ensemblePlan } from './ensemble-plan.ts';
import { EnsembleRoutes } from './ensemble-route.ts';
import { type EnsembleOwner, EnsembleRun } from './ensemble-run.ts';
import { StepLimiter } from './step-limiter.ts';

export interface EnsembleSchedulerOptions {
  /** Of a valid ensemble, the namespaces of its steps' models filled in. */
  readonly config: ModelConfig;
  readonly modelVersion: string;
  readonly models: StepModels;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs each request through the steps of an ensemble. Has no instances: the models of the steps have. */
export class EnsembleScheduler implements Scheduler, EnsembleOwner {
  readonly modelVersion: string;
  readonly models: StepModels;
  readonly limiters: readonly StepLimiter[];
  readonly logger: Logger;
  readonly #statistics: ModelStatistics;
  readonly #clock: Clock;
  readonly #routes: EnsembleRoutes;
  readonly #intake = new RequestIntake();

  constructor({
    config,
    modelVersion,
    models,
    statistics,
    clock,
    logger,
  }: EnsembleSchedulerOptions) {
    const plan = ensemblePlan(config);
    this.modelVersion = modelVersion;
    this.models = models;
    this.logger = logger;
    this.#statistics = statistics;
    this.#clock = clock;
    this.#routes = new EnsembleRoutes(plan);
    this.limiters = stepLimiters(plan, clock, logger);
  }

  /** A request's steps wait for instances, the request itself does not. */
  readonly pendingCount = 0;

  get inflightCount(): number {
    return this.#intake.inflight;
  }

  enqueue(request: InferRequest, sink: ResponseSink): void {
    const full = this.#intake.inflight >= queueRequestsMaxDefault;
    const open = this.#intake.enter();
    if (open && !full) {
      const route = this.#routes.routeFor(request.outputNames);
      new EnsembleRun(this, route, request, sink).start();
      return;
    }
    this.#statistics.recordFailure('REJECTED', this.#clock.nowNs() - request.startNs);
    try {
      sink.fail(open ? new QueueFullError() : stoppingError());
    } finally {
      this.#intake.leave();
    }
  }

  stop(): Promise<void> {
    return this.#intake.close();
  }

  /**
   * Counts a request as Triton does: its times are the sums of its steps', and a failure counts twice,
   * once when it is told and once when the request ends.
   */
  ended(
    { request, computeInputNs, computeInferNs, computeOutputNs }: EnsembleRun,
    failed: boolean,
  ): void {
    const { batchSize, parent } = request;
    const requestNs = this.#clock.nowNs() - request.startNs;
    if (failed) {
      this.#statistics.recordFailure('OTHER', requestNs);
      this.#statistics.recordFailure('OTHER', requestNs);
      return;
    }
    const times = [computeInputNs, computeInferNs, computeOutputNs] as const;
    const traceId = traceIdOf(request.trace ?? null);
    this.#statistics.recordSuccess(batchSize, requestNs, 0, ...times, traceId);
    this.#statistics.recordBatch(batchSize, ...times);
    parent?.addDurations(...times);
  }

  left(): void {
    this.#intake.leave();
  }
}

function stepLimiters(plan: EnsemblePlan, clock: Clock, logger: Logger): readonly StepLimiter[] {
  const { name, inflightRequestsMax: inflightMax } = plan;
  if (inflightMax === 0) return [];
  logger.info(`Ensemble model '${name}' configured with max_inflight_requests: ${inflightMax}`);
  return plan.steps.map(
    ({ index }) => new StepLimiter({ ensembleName: name, step: index, inflightMax, clock, logger }),
  );
}
