import type { InferRequestMessage, RequestParameters, Tensor, TritonError } from '@nereid/protocol';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { ParentRequest } from '../../core/parent-request.ts';
import type { StepModel } from '../../core/step-models.ts';
import type { PlannedStep } from './ensemble-plan.ts';
import type { LimitedStep } from './step-limiter.ts';
import { sameSequence } from './step-parameters.ts';
import { shapeForReceiver } from './step-shape.ts';
import type { FrameValue, TensorFrame } from './tensor-frame.ts';

/** What a step reports to the request that it is a part of. */
export interface StepOwner extends ParentRequest {
  readonly requestId: string;
  readonly parameters: RequestParameters;
  answered(step: StepRun, response: InferResponse | null, final: boolean): void;
  failed(step: StepRun, error: TritonError, final: boolean): void;
  admitted(step: StepRun): void;
  /** Inputs of a step that claim to be of different sequences. */
  disagreed(step: StepRun): void;
}

/** One execution of a step: the request to its model, and what becomes of it. */
export class StepRun implements ResponseSink, ParentRequest, LimitedStep {
  readonly step: PlannedStep;
  readonly model: StepModel;
  /** Where its inputs are, and its outputs go if it answers once. */
  readonly frame: TensorFrame;
  /** What its request was made with; the owner's until then. */
  parameters: RequestParameters;
  /** Of its request; 0 when its model does not batch. */
  batchSize = 0;
  /** It has given content: a step that is not decoupled does so once. */
  hasAnswered = false;
  /** Nothing more comes of it. */
  done = false;
  readonly #owner: StepOwner;

  constructor(owner: StepOwner, step: PlannedStep, model: StepModel, frame: TensorFrame) {
    this.#owner = owner;
    this.step = step;
    this.model = model;
    this.frame = frame;
    this.parameters = owner.parameters;
  }

  /** The request to the model. Takes the inputs out of the frame: called once. */
  message(): InferRequestMessage {
    const { step, frame } = this;
    const { config } = this.model;
    const batches = config.max_batch_size > 0;
    const inputs: Tensor[] = [];
    let first: RequestParameters | null = null;
    for (const { name, tensor: index } of step.inputs) {
      const value = frame.value(index);
      if (value.tensor === null) continue;
      const { dataType, data } = value.tensor;
      const shape =
        batches === value.batchSize > 0 ? value.tensor.shape : this.#convertedShape(name, value);
      inputs.push({ name, dataType, shape, data });
      if (first === null) first = value.parameters;
      else if (!sameSequence(first, value.parameters)) this.#owner.disagreed(this);
    }
    for (const tensor of step.inputTensors) frame.taken(tensor);
    if (first !== null) this.parameters = first;
    this.batchSize = batches ? (inputs[0]?.shape[0] ?? 0) : 0;
    return {
      id: this.#owner.requestId,
      parameters: this.parameters,
      inputs,
      rawInput: null,
      outputs: step.requestedOutputs,
    };
  }

  respond(response: InferResponse | null, final: boolean): void {
    this.#owner.answered(this, response, final);
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    this.#owner.failed(this, error, answer === undefined || answer.final);
  }

  admitted(): void {
    this.#owner.admitted(this);
  }

  addDurations(computeInputNs: number, computeInferNs: number, computeOutputNs: number): void {
    this.#owner.addDurations(computeInputNs, computeInferNs, computeOutputNs);
  }

  get ownsInputs(): boolean {
    return this.#owner.ownsInputs;
  }

  get paces(): boolean {
    return this.#owner.paces;
  }

  get congested(): boolean {
    return this.#owner.congested;
  }

  whenRelieved(listener: () => void): void {
    this.#owner.whenRelieved(listener);
  }

  #convertedShape(name: string, { tensor, batchSize }: FrameValue): readonly number[] {
    const { config } = this.model;
    const shape = tensor?.shape ?? [];
    const input = config.input.find((declared) => declared.name === name);
    if (input === undefined) return shape;
    return shapeForReceiver(shape, input.dims, config.max_batch_size > 0, batchSize);
  }
}
