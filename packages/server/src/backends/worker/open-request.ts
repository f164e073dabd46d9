import { type ParameterValue, TritonError } from '@nereid/protocol';
import type { CancellationAsked } from '../../core/cancellation.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { InferResponse } from '../../core/infer-response.ts';
import type { WireResponse } from './worker-message.ts';
import { parametersOf, type TensorReader } from './worker-tensors.ts';

/** One request of a batch, and the number under which its answers come. */
export interface NumberedRequest {
  readonly number: number;
  readonly request: InferRequest;
  /** Nobody else reads its inputs, or will: the model may write to them. */
  readonly ownsInputs: boolean;
}

/** What the requests of one instance share. */
export interface OpenRequestParts {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly decoupled: boolean;
  readonly nowNs: () => number;
  /** Called once, when the final answer is out. */
  readonly settled: (request: OpenRequest) => void;
  /** Called when nobody waits any more; the model may look that up. */
  readonly cancelled: (request: OpenRequest) => void;
}

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/** A request that the worker has, until its final answer. */
export class OpenRequest implements CancellationAsked {
  readonly number: number;
  readonly execution: Execution;
  readonly #parts: OpenRequestParts;
  readonly #cancel = (): void => this.#cancelled();
  #settled = false;
  #begun = false;
  /** The one answer of a model that is not decoupled, sent before it was said to be the last. */
  #held: InferResponse | null = null;

  constructor(number: number, execution: Execution, parts: OpenRequestParts) {
    this.number = number;
    this.execution = execution;
    this.#parts = parts;
    execution.request.cancellation.onCancel(this.#cancel);
    execution.request.cancellation.setAsked(this);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** False while the worker runs others that it was sent before. */
  get begun(): boolean {
    return this.#begun;
  }

  begin(nowNs: number): void {
    this.#begun = true;
    this.execution.computeStartNs = nowNs;
    this.execution.computeInputEndNs = nowNs;
  }

  /** Lets go of the execution, which is to be answered in another way. */
  withdraw(): void {
    this.#settle();
  }

  /**
   * An answer that ends the request, unless it is one of several (`final` false).
   */
  answer(wire: WireResponse | null, tensors: TensorReader, final: boolean): void {
    if (wire?.error !== undefined) {
      this.#answerError(new TritonError(wire.error.code, wire.error.message), final);
      return;
    }
    const outputNs = this.#parts.nowNs();
    const response = wire === null ? null : this.#response(wire, tensors);
    if (this.#settled) return;
    if (this.#parts.decoupled) {
      if (final) this.#settleAnswered(outputNs);
      this.execution.sink.respond(response, final);
      return;
    }
    this.#held ??= response;
    if (final) this.#answerHeld(outputNs);
  }

  #answerHeld(outputNs: number): void {
    this.#settleAnswered(outputNs);
    this.execution.sink.respond(this.#held, true);
  }

  /** The model's own error: not a failure of its execution, and not the end of a decoupled request. */
  #answerError(error: TritonError, final: boolean): void {
    if (this.#settled) return;
    const ends = final || !this.#parts.decoupled;
    if (ends) this.#settleAnswered(this.#parts.nowNs());
    this.execution.sink.fail(error, { final: ends });
  }

  /** The model gives the request back. */
  reschedule(): void {
    if (this.#settled) return;
    this.#settleAnswered(this.#parts.nowNs());
    const { execution } = this;
    try {
      if (execution.reschedule === undefined) throw new Error('nothing takes a request back');
      execution.reschedule();
    } catch (failure) {
      if (!(failure instanceof TritonError)) throw failure;
      execution.sink.fail(failure, { final: true });
    }
  }

  /** What went wrong after the model has answered is not the client's: the answer is given, as by Triton. */
  fail(error: TritonError): void {
    if (this.#settled) return;
    if (this.#held === null) this.#fail(error);
    else this.#answerHeld(this.#parts.nowNs());
  }

  #fail(error: TritonError): void {
    this.#settle();
    this.execution.sink.fail(error);
  }

  #response(wire: WireResponse, tensors: TensorReader): InferResponse {
    const { modelName, modelVersion } = this.#parts;
    return {
      modelName,
      modelVersion,
      id: this.execution.request.id,
      parameters: wire.parameters === undefined ? noParameters : parametersOf(wire.parameters),
      outputs: wire.outputs ?? tensors.take(wire.tensors ?? []),
      release: tensors.release ?? null,
    };
  }

  /** The times of an answer that comes before `execute` has returned. */
  #settleAnswered(outputNs: number): void {
    const { execution } = this;
    if (execution.computeEndNs === 0) {
      execution.computeOutputStartNs = outputNs;
      execution.computeEndNs = this.#parts.nowNs();
    }
    this.#settle();
  }

  #settle(): void {
    this.#settled = true;
    this.execution.request.cancellation.offCancel(this.#cancel);
    this.execution.request.cancellation.setAsked(null);
    this.#parts.settled(this);
  }

  /** The caller would have the model end the request, and goes on taking answers until it does. */
  asked(): void {
    if (this.#begun) this.#parts.cancelled(this);
    else this.execution.request.cancellation.cancel();
  }

  /** The client gets no answer any more, whatever the model does; an endless loop holds nothing up. */
  #cancelled(): void {
    this.#parts.cancelled(this);
    const text = this.#begun
      ? 'the request was cancelled while it was executed'
      : `request to model '${this.#parts.modelName}' was cancelled`;
    this.#fail(new TritonError('CANCELLED', text));
  }
}
