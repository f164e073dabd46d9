import {
  defaultRequestParameters,
  type ModelConfig,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import type { BackendInstance } from '../core/backend.ts';
import { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import type { InferRequest } from '../core/infer-request.ts';
import type { ErrorAnswer, ResponseSink } from '../core/infer-response.ts';
import type { Logger } from '../core/logger.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import { type RequestOwner, ScheduledRequest } from '../scheduling/scheduled-request.ts';
import { type WarmupSample, warmupSamples } from './warmup-sample.ts';

/** What a request becomes that a model's configuration allows. */
export type PreparedRequest = Pick<InferRequest, 'inputs' | 'outputNames' | 'batchSize'>;

/**
 * Holds a request against a model's configuration, as those of clients are.
 * @throws TritonError INVALID_ARG with Triton's texts.
 */
export type PrepareRequest = (config: ModelConfig, inputs: readonly Tensor[]) => PreparedRequest;

export interface ModelWarmupOptions {
  readonly config: ModelConfig;
  /** The model's folder. */
  readonly directory: string;
  readonly statistics: ModelStatistics;
  readonly prepareRequest: PrepareRequest;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs that happen on the event loop take no more of one turn than this, and the one that exceeds it. */
const turnNsMax = 1_000_000;

/**
 * Runs the samples of `model_warmup` on each instance before it gets requests. Their answers are thrown away;
 * the statistics count them, as in Triton.
 */
export class ModelWarmup {
  readonly #options: ModelWarmupOptions;
  readonly #samples: readonly PreparedSample[];

  private constructor(options: ModelWarmupOptions, samples: readonly PreparedSample[]) {
    this.#options = options;
    this.#samples = samples;
  }

  /** @throws TritonError for a sample that is no request to the model. */
  static async prepare(options: ModelWarmupOptions): Promise<ModelWarmup> {
    const { config, directory, prepareRequest } = options;
    const samples = await warmupSamples(config, directory);
    return new ModelWarmup(
      options,
      samples.map((sample) => {
        const prepared = prepareRequest(config, sample.inputs);
        const inputs = [...prepared.inputs, ...sample.controls];
        return { ...sample, request: { ...prepared, inputs } };
      }),
    );
  }

  /** @throws TritonError INVALID_ARG with what the backend said of the first sample that failed. */
  async run(instance: BackendInstance): Promise<void> {
    const { clock, logger, config } = this.#options;
    let turnStartNs = clock.nowNs();
    for (const sample of this.#samples) {
      for (let run = 1; run <= sample.runCount; run++) {
        logger.verbose(
          1,
          `model '${config.name}' instance ${instance.name} is running warmup sample '${sample.name}' for iteration ${run}`,
        );
        const errors = await this.#runOnce(instance, sample);
        if (errors.length > 0) {
          const texts = errors.map((error) => `${error}; `).join('');
          const text = `failed to run warmup sample '${sample.name}': ${texts}`;
          throw new TritonError('INVALID_ARG', text);
        }
        if (clock.nowNs() - turnStartNs > turnNsMax) {
          await new Promise<void>((resolve) => setImmediate(resolve));
          turnStartNs = clock.nowNs();
        }
      }
    }
  }

  async #runOnce(instance: BackendInstance, sample: PreparedSample): Promise<readonly string[]> {
    const { clock, statistics, config } = this.#options;
    const batch = new WarmupBatch(config.name, statistics, clock);
    const requests = Array.from({ length: sample.batchSize }, () => batch.add(sample.request));
    await instance.execute(requests);
    const timed = requests.find(({ computeEndNs }) => computeEndNs > 0);
    if (timed !== undefined) {
      statistics.recordBatch(
        sample.batchSize,
        timed.computeInputEndNs - timed.computeStartNs,
        timed.computeOutputStartNs - timed.computeInputEndNs,
        timed.computeEndNs - timed.computeOutputStartNs,
      );
    }
    for (const request of requests) {
      if (!request.done && !request.detached) request.rejectForgotten();
    }
    await batch.answered();
    return batch.errors;
  }
}

interface PreparedSample extends WarmupSample {
  readonly request: PreparedRequest;
}

/** The requests of one run: counts them, and keeps what went wrong. */
class WarmupBatch implements RequestOwner, ResponseSink {
  readonly modelName: string;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly errors: string[] = [];
  #open = 0;
  #whenAnswered: (() => void) | null = null;

  constructor(modelName: string, statistics: ModelStatistics, clock: Clock) {
    this.modelName = modelName;
    this.statistics = statistics;
    this.clock = clock;
  }

  add(prepared: PreparedRequest): ScheduledRequest {
    this.#open++;
    const request: InferRequest = {
      id: '',
      parameters: defaultRequestParameters,
      ...prepared,
      cancellation: new Cancellation(),
      startNs: this.clock.nowNs(),
    };
    return new ScheduledRequest(this, request, this);
  }

  /** Resolves when the last answer is there: that may be later than the end of the run. */
  async answered(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenAnswered = resolve;
    });
  }

  /** Nobody cancels. */
  dropFromQueue(): void {}

  settled(): void {
    if (--this.#open === 0) this.#whenAnswered?.();
  }

  /** Answers are not looked at. */
  respond(): void {}

  fail(error: TritonError, _answer?: ErrorAnswer): void {
    this.errors.push(error.message);
  }
}
