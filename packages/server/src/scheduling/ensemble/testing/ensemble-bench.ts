import {
  defaultRequestParameters,
  type InferRequestMessage,
  type ParameterValue,
  parseModelConfigText,
  type RequestParameters,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import { ManualClock } from '@nereid/test-kit';
import { Cancellation } from '../../../core/cancellation.ts';
import type { InferResponse, ResponseSink } from '../../../core/infer-response.ts';
import { silentLogger } from '../../../core/logger.ts';
import type { ParentRequest } from '../../../core/parent-request.ts';
import type { StepModel, StepModels } from '../../../core/step-models.ts';
import { ModelStatistics } from '../../../observability/model-statistics.ts';
import { EnsembleScheduler } from '../ensemble-scheduler.ts';

/** One request that a fake model was given. */
export interface StepCall {
  readonly message: InferRequestMessage;
  readonly cancellation: Cancellation;
  readonly sink: ResponseSink;
  readonly parent: ParentRequest;
}

/** What a fake model does with a request; it may leave it for the test to answer. */
export type FakeStep = (call: StepCall) => void;

export class FakeStepModel implements StepModel {
  readonly config: StepModel['config'];
  readonly labels: ReadonlyMap<string, readonly string[]> = new Map();
  /** References that are held at the moment. */
  retained = 0;
  readonly calls: StepCall[] = [];
  readonly #step: FakeStep;

  constructor(config: string, step: FakeStep) {
    this.config = parseModelConfigText(config, 'config.pbtxt');
    this.#step = step;
  }

  retain(): void {
    this.retained++;
  }

  release(): void {
    if (this.retained-- <= 0) throw new Error('released more often than retained');
  }

  infer(
    message: InferRequestMessage,
    cancellation: Cancellation,
    sink: ResponseSink,
    _trace: unknown,
    parent: ParentRequest,
  ): void {
    if (this.retained <= 0) throw new Error('called without being held');
    const call = { message, cancellation, sink, parent };
    this.calls.push(call);
    this.#step(call);
  }
}

/** An INT32 tensor. */
export function int32(name: string, shape: readonly number[], ...values: number[]): Tensor {
  return {
    name,
    dataType: 'INT32',
    shape,
    data: new Uint8Array(Int32Array.from(values).buffer),
  };
}

export function valuesOf({ data }: Tensor): number[] {
  return [...new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)];
}

/** Answers a call. */
export function answer(
  { sink, message }: StepCall,
  outputs: readonly Tensor[],
  final = true,
  parameters: ReadonlyMap<string, ParameterValue> = new Map(),
): void {
  const head = { modelName: 'step', modelVersion: '1', id: message.id, parameters };
  sink.respond({ ...head, outputs }, final);
}

export interface Answered {
  readonly responses: InferResponse[];
  error: TritonError | null;
  /** How often it was ended. */
  ends: number;
}

export interface SendOptions {
  readonly id?: string;
  readonly outputNames?: readonly string[];
  readonly batchSize?: number;
  readonly parameters?: Partial<RequestParameters>;
  readonly cancellation?: Cancellation;
}

/** An ensemble among fake models. */
export class EnsembleBench {
  readonly clock: ManualClock = new ManualClock();
  readonly statistics: ModelStatistics = new ModelStatistics(this.clock);
  readonly errors: string[] = [];
  readonly scheduler: EnsembleScheduler;
  readonly outputNames: readonly string[];

  constructor(config: string, models: Readonly<Record<string, FakeStepModel>>) {
    const found: StepModels = {
      find: ({ name }) => {
        const model = models[name];
        if (model !== undefined) return model;
        throw new TritonError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
      },
    };
    const parsed = parseModelConfigText(config, 'config.pbtxt');
    this.outputNames = parsed.output.map(({ name }) => name).sort();
    this.scheduler = new EnsembleScheduler({
      config: parsed,
      modelVersion: '1',
      models: found,
      statistics: this.statistics,
      clock: this.clock,
      logger: { ...silentLogger, error: (text) => this.errors.push(text) },
    });
  }

  send(inputs: readonly Tensor[], options: SendOptions = {}): Answered {
    const answered: Answered = { responses: [], error: null, ends: 0 };
    this.scheduler.enqueue(
      {
        id: options.id ?? '',
        parameters: { ...defaultRequestParameters, ...options.parameters },
        inputs,
        outputNames: options.outputNames ?? this.outputNames,
        batchSize: options.batchSize ?? 1,
        cancellation: options.cancellation ?? new Cancellation(),
        startNs: this.clock.nowNs(),
      },
      {
        respond(response, final) {
          if (response !== null) answered.responses.push(response);
          if (final) answered.ends++;
        },
        fail(error) {
          answered.error = error;
          answered.ends++;
        },
      },
    );
    return answered;
  }
}
