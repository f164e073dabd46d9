import type { RequestParameters } from '@nereid/protocol';
import { type ParameterValue, requestIdPrefix, type Tensor, TritonError } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import type { InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { Logger } from '../../core/logger.ts';
import { publicFailure } from '../../core/public-failure.ts';
import type { StepModel, StepModels } from '../../core/step-models.ts';
import { RequestQueue } from '../request-queue.ts';
import type { PlannedStep } from './ensemble-plan.ts';
import type { EnsembleRoute } from './ensemble-route.ts';
import type { StepLimiter } from './step-limiter.ts';
import { parametersAfter, sequenceParameters } from './step-parameters.ts';
import { type StepOwner, StepRun } from './step-run.ts';
import { shapeForReceiver } from './step-shape.ts';
import { TensorFrame } from './tensor-frame.ts';

/** What a request needs of the scheduler that took it. */
export interface EnsembleOwner {
  readonly modelVersion: string;
  readonly models: StepModels;
  /** By step; empty when nothing is limited. */
  readonly limiters: readonly StepLimiter[];
  readonly logger: Logger;
  /** Called once, before the answer that ends the request. */
  ended(run: EnsembleRun, failed: boolean): void;
  /** Called once, after that answer. */
  left(): void;
}

/** Steps that answer at once are followed at once so deep, further ones when these have returned: stacks end. */
const nestedStepsMax = 16;

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/**
 * One request of an ensemble. Each step starts when its inputs are there; every complete set of outputs
 * is an answer. The first failure is the answer, when no step runs any more: until then steps read the
 * memory of the request. Tensors are handed from step to step as they are.
 *
 * Holds the models of its steps loaded until its end, so that all of it runs on the same versions.
 */
export class EnsembleRun implements StepOwner {
  readonly request: InferRequest;
  computeInputNs = 0;
  computeInferNs = 0;
  computeOutputNs = 0;
  readonly #owner: EnsembleOwner;
  readonly #route: EnsembleRoute;
  readonly #sink: ResponseSink;
  /** By step; undefined for steps that do not run. */
  readonly #models: (StepModel | undefined)[] = [];
  readonly #ready = new RequestQueue<StepRun>();
  /** Ready, but their limiter has no room. */
  readonly #waiting = new Set<StepRun>();
  #relieved: (() => void)[] = [];
  /** A step may answer again and again, and so may the ensemble. */
  #decoupled = false;
  /** Of the steps' answers, one each: the ensemble's own may have views of them. None where it is decoupled. */
  readonly #releases: (() => void)[] = [];
  /** Steps that are ready, wait or run. */
  #inflight = 0;
  #nesting = 0;
  #hasAnswered = false;
  #error: TritonError | null = null;
  #ended = false;
  #watch: (() => void) | null = null;

  constructor(
    owner: EnsembleOwner,
    route: EnsembleRoute,
    request: InferRequest,
    sink: ResponseSink,
  ) {
    this.#owner = owner;
    this.#route = route;
    this.request = request;
    this.#sink = sink;
  }

  get requestId(): string {
    return this.request.id;
  }

  get parameters(): RequestParameters {
    return this.request.parameters;
  }

  start(): void {
    const frame = new TensorFrame(this.#route);
    try {
      this.#holdModels();
    } catch (failure) {
      this.#error = this.#public(failure);
    }
    if (this.#error === null) this.#makeReady(this.#giveInputs(frame), frame);
    this.#proceed(this.#error === null && frame.complete ? this.#responseOf(frame) : null);
  }

  answered(step: StepRun, response: InferResponse | null, final: boolean): void {
    if (step.done) return;
    if (final) this.#leave(step);
    let answer: InferResponse | null = null;
    if (response !== null && this.#error === null) {
      try {
        answer = this.#take(step, response);
      } catch (failure) {
        this.#error = this.#public(failure);
      }
    }
    this.#proceed(answer);
    if (final) this.#owner.limiters[step.step.index]?.release();
  }

  failed(step: StepRun, error: TritonError, final: boolean): void {
    if (step.done) return;
    if (final) this.#leave(step);
    this.#error ??= error;
    this.#proceed(null);
    if (final) this.#owner.limiters[step.step.index]?.release();
  }

  admitted(step: StepRun): void {
    this.#waiting.delete(step);
    this.#send(step);
    this.#relieve();
  }

  disagreed(step: StepRun): void {
    const { model } = step.step;
    this.#owner.logger.error(
      `${requestIdPrefix(this.request.id)}Different set of response parameters are set for '${model.name}': its first input's are used`,
    );
  }

  addDurations(computeInputNs: number, computeInferNs: number, computeOutputNs: number): void {
    this.computeInputNs += computeInputNs;
    this.computeInferNs += computeInferNs;
    this.computeOutputNs += computeOutputNs;
  }

  /** A tensor that no step and no answer has twice, and no other answer of a decoupled step again. */
  get ownsInputs(): boolean {
    return this.#route.readsOnce && !this.#decoupled && this.request.parent?.ownsInputs !== false;
  }

  get paces(): boolean {
    return this.#owner.limiters.length > 0 || this.request.parent?.paces === true;
  }

  get congested(): boolean {
    return this.#waiting.size > 0 || this.request.parent?.congested === true;
  }

  whenRelieved(listener: () => void): void {
    const { parent } = this.request;
    if (this.#waiting.size > 0 || parent == null) this.#relieved.push(listener);
    else parent.whenRelieved(listener);
  }

  #holdModels(): void {
    const { plan, needed } = this.#route;
    for (const step of plan.steps) {
      if (needed[step.index] !== true) continue;
      const model = this.#owner.models.find(step.model, step.version);
      model.retain();
      this.#models[step.index] = model;
      this.#decoupled ||= isDecoupled(model);
    }
  }

  /** @returns The steps that need nothing else. */
  #giveInputs(frame: TensorFrame): readonly number[] {
    const { plan } = this.#route;
    const { inputs, batchSize, parameters } = this.request;
    const ready: number[] = [];
    for (const tensor of inputs) {
      const port = plan.inputs.get(tensor.name);
      if (port === undefined) continue;
      // A batch of none comes without its dimension.
      const batched = plan.batches && tensor.shape.length > port.dims.length;
      const value = { tensor, batchSize: batched ? batchSize : 0, parameters };
      ready.push(...frame.set(port.tensor, value));
    }
    if (inputs.length < plan.inputs.size) {
      for (const { name, tensor, optional } of plan.inputs.values()) {
        if (!optional || inputs.some((input) => input.name === name)) continue;
        ready.push(...frame.set(tensor, { tensor: null, batchSize: 0, parameters }));
      }
    }
    return ready.length > 1 ? ready.sort((a, b) => a - b) : ready;
  }

  /** Hands the outputs of a step on. @returns The answer that they complete, or null. */
  #take(step: StepRun, response: InferResponse): InferResponse | null {
    const decoupled = isDecoupled(step.model);
    if (!decoupled && step.hasAnswered) return null;
    step.hasAnswered = true;
    // Of answers that go on coming none is known to be the last that has views of anything.
    if (response.release != null && !this.#decoupled) this.#releases.push(response.release);
    const frame = decoupled ? new TensorFrame(this.#route) : step.frame;
    const parameters = parametersAfter(step.parameters, response.parameters);
    const { outputs: tensors } = step.step;
    const { batchSize } = step;
    const wasComplete = frame.complete;
    let ready = noSteps;
    let taken = 0;
    for (const tensor of response.outputs) {
      const index = tensors.get(tensor.name);
      if (index === undefined) continue;
      taken++;
      ready = joined(ready, frame.set(index, { tensor, batchSize, parameters }));
    }
    if (taken < tensors.size) {
      const given = new Set(response.outputs.map(({ name }) => name));
      for (const [name, index] of tensors) {
        if (given.has(name)) continue;
        ready = joined(ready, frame.set(index, { tensor: null, batchSize, parameters }));
      }
    }
    this.#makeReady(ready.length > 1 ? ready.toSorted((a, b) => a - b) : ready, frame);
    return frame.complete && !wasComplete ? this.#responseOf(frame) : null;
  }

  #makeReady(steps: readonly number[], frame: TensorFrame): void {
    const { plan } = this.#route;
    for (const index of steps) {
      const model = this.#models[index] as StepModel;
      this.#ready.push(new StepRun(this, plan.steps[index] as PlannedStep, model, frame));
      this.#inflight++;
    }
  }

  #responseOf(frame: TensorFrame): InferResponse {
    const { plan, outputs: ports } = this.#route;
    const outputs: Tensor[] = [];
    let parameters = noParameters;
    let sequence: RequestParameters | null = null;
    for (const { name, tensor: index, dims } of ports) {
      const value = frame.value(index);
      frame.taken(index);
      if (value.tensor === null) continue;
      const { dataType, data } = value.tensor;
      const shape = shapeForReceiver(value.tensor.shape, dims, plan.batches, value.batchSize);
      outputs.push({ name, dataType, shape, data });
      if (sequence !== value.parameters) parameters = sequenceParameters(value.parameters);
      sequence = value.parameters;
    }
    const { modelVersion } = this.#owner;
    return { modelName: plan.name, modelVersion, id: this.request.id, parameters, outputs };
  }

  /** Says what is to be said, then starts what is ready. */
  #proceed(answer: InferResponse | null): void {
    if (this.#ended) return;
    if (this.#error !== null) this.#dropReady();
    const final = this.#inflight === 0;
    if (this.#error !== null) {
      if (final) this.#end(null, this.#error);
    } else if (answer !== null) {
      this.#hasAnswered = true;
      if (!final) this.#sink.respond(answer, false);
      else if (this.#releases.length === 0) this.#end(answer, null);
      else this.#end({ ...answer, release: () => this.#release() }, null);
    } else if (final) {
      const ended = this.#route.plan.decoupled || this.#hasAnswered;
      this.#end(null, ended ? null : this.#deadlock());
    }
    this.#startReady();
    if (this.#error !== null) this.#relieve();
  }

  #startReady(): void {
    if (this.#nesting >= nestedStepsMax) return;
    this.#nesting++;
    const { limiters } = this.#owner;
    for (let step = this.#ready.shift(); step !== undefined; step = this.#ready.shift()) {
      if (limiters[step.step.index]?.enter(step) === false) this.#wait(step);
      else this.#send(step);
    }
    this.#nesting--;
  }

  #wait(step: StepRun): void {
    this.#waiting.add(step);
    if (this.#watch !== null) return;
    this.#watch = () => {
      // Their models tell them that they are cancelled.
      for (const waiting of [...this.#waiting]) {
        this.#owner.limiters[waiting.step.index]?.admit(waiting);
      }
    };
    this.request.cancellation.onCancel(this.#watch);
  }

  #send(step: StepRun): void {
    const { cancellation, trace } = this.request;
    try {
      step.model.infer(step.message(), cancellation, step, trace?.child() ?? null, step);
    } catch (failure) {
      this.failed(step, this.#public(failure), true);
    }
  }

  #release(): void {
    for (const release of this.#releases) release();
  }

  #leave(step: StepRun): void {
    step.done = true;
    this.#inflight--;
  }

  /** After a failure nothing new is started. */
  #dropReady(): void {
    while (this.#ready.shift() !== undefined) this.#inflight--;
    for (const step of [...this.#waiting]) {
      if (this.#owner.limiters[step.step.index]?.abandon(step) !== true) continue;
      this.#waiting.delete(step);
      this.#inflight--;
    }
  }

  #relieve(): void {
    if (this.#waiting.size > 0 || this.#relieved.length === 0) return;
    for (const listener of this.#relieved.splice(0)) listener();
  }

  #end(answer: InferResponse | null, error: TritonError | null): void {
    this.#ended = true;
    if (this.#watch !== null) this.request.cancellation.offCancel(this.#watch);
    this.#owner.ended(this, error !== null);
    for (const model of this.#models) model?.release();
    try {
      if (error === null) this.#sink.respond(answer, true);
      else this.#sink.fail(this.#named(error));
    } finally {
      this.#owner.left();
    }
  }

  #named(error: TritonError): TritonError {
    const text = `in ensemble '${this.#route.plan.name}', ${error.message}`;
    return new TritonError(error.code, text, { cause: error });
  }

  #deadlock(): TritonError {
    return new TritonError(
      'INVALID_ARG',
      `${requestIdPrefix(this.request.id)}unexpected deadlock, at least one output is not set while no more ensemble steps can be made`,
    );
  }

  #public(failure: unknown): TritonError {
    return publicFailure(failure, `ensemble '${this.#route.plan.name}'`, this.#owner.logger);
  }
}

const noSteps: readonly number[] = [];

/** Mostly one of them is empty. */
function joined(steps: readonly number[], more: readonly number[]): readonly number[] {
  if (more.length === 0) return steps;
  return steps.length === 0 ? more : [...steps, ...more];
}

function isDecoupled({ config }: StepModel): boolean {
  return config.model_transaction_policy?.decoupled === true;
}
