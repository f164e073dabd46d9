import { TritonError } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ResponseSink } from '../../core/infer-response.ts';
import type { SequenceStates } from '../../core/sequence-states.ts';
import {
  type RequestFailure,
  type RequestOwner,
  rescheduleError,
  ScheduledRequest,
} from '../scheduled-request.ts';
import type { KeptStates } from './kept-states.ts';
import type { Sequence } from './sequence.ts';
import type { SequenceControls } from './sequence-controls.ts';
import type { SequenceSlot } from './sequence-slot.ts';

/** What a sequence's request needs of its scheduler. */
export interface SequenceRequestOwner extends RequestOwner {
  readonly controls: SequenceControls;
  /** Whether a request may be executed several times. */
  readonly iterative: boolean;
  /** What a sequence begins with; null for a model without states. */
  newStates(): KeptStates | null;
  /** @throws TritonError where the sequence takes nothing any more. */
  checkReschedule(request: SequenceRequest): void;
  /** Queues a request again that was given back; its execution is over. */
  requeue(request: SequenceRequest): void;
}

/** A request of a sequence: what the client sent, and what the model gets. */
export class SequenceRequest extends ScheduledRequest {
  readonly sequence: Sequence;
  /** As the client sent it. */
  readonly given: InferRequest;
  /** The slot in which it is executed, from then on. */
  slot: SequenceSlot | null = null;
  states: SequenceStates | null = null;
  readonly #owner: SequenceRequestOwner;
  #start: boolean;
  #executing = false;
  #givenBack = false;

  constructor(
    owner: SequenceRequestOwner,
    sequence: Sequence,
    request: InferRequest,
    sink: ResponseSink,
  ) {
    super(owner, request, sink);
    this.#owner = owner;
    this.sequence = sequence;
    this.given = request;
    this.#start = request.parameters.sequenceStart;
  }

  get isStart(): boolean {
    return this.#start;
  }

  get isEnd(): boolean {
    return this.given.parameters.sequenceEnd;
  }

  /** Adds what the server adds to the inputs: controls, and the states as they are now. May be called again. */
  prepare(): void {
    const { given, sequence } = this;
    if (this.#start) sequence.states = this.#owner.newStates();
    const controls = this.#owner.controls.tensors(
      { start: this.#start, end: this.isEnd },
      sequence.idTensors,
    );
    const states = sequence.states?.tensors() ?? [];
    this.states = sequence.states;
    this.#executing = true;
    this.request = {
      ...given,
      parameters: this.#start ? given.parameters : { ...given.parameters, sequenceStart: false },
      inputs: [...given.inputs, ...controls, ...states],
    };
  }

  override reschedule(): void {
    if (!this.#owner.iterative || this.isEnd || this.done || this.#givenBack) {
      throw rescheduleError();
    }
    this.#owner.checkReschedule(this);
    this.#givenBack = true;
    if (!this.#executing) this.#requeue();
  }

  override executionEnded(): void {
    this.#executing = false;
    if (this.#givenBack && !this.done) this.#requeue();
    else super.executionEnded();
  }

  override reject(reason: RequestFailure, error: TritonError): void {
    if (reason === 'CANCELED') this.sequence.cancelled = true;
    super.reject(reason, error);
  }

  /** Fails a request because another one of its sequence was cancelled. */
  rejectWithSequence(): void {
    const text = `a request of the same sequence of model '${this.#owner.modelName}' was cancelled`;
    this.reject('CANCELED', new TritonError('CANCELLED', text));
  }

  #requeue(): void {
    this.#givenBack = false;
    this.#start = false;
    this.beginAnew();
    this.#owner.requeue(this);
  }
}
