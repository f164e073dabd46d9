import { type ParameterValue, type Tensor, TritonError } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';

/** Answers without a delay between them that are given before others get a turn. */
const answersPerTurn = 64;

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/** What is answered, one answer after the other. */
export interface PacedAnswersParts {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly execution: Execution;
  readonly count: number;
  /** How long to wait before an answer. */
  readonly delayMs: (index: number) => number;
  /** The tensors by name, an error that is no end, or null for no answer at all. */
  readonly answer: (index: number) => ReadonlyMap<string, Tensor> | TritonError | null;
  readonly clock: Clock;
}

/**
 * The many answers of a decoupled request. Ends it after the last one, or when nobody waits for it any
 * more; pauses while those who take the answers ask for it.
 */
export class PacedAnswers {
  readonly #parts: PacedAnswersParts;
  #index = 0;

  constructor(parts: PacedAnswersParts) {
    this.#parts = parts;
  }

  /** Begins. The execution is answered later, though maybe at once. */
  start(): void {
    this.#parts.execution.detached = true;
    this.#next();
  }

  #next(): void {
    const { execution, count, delayMs, clock } = this.#parts;
    for (let given = 0; ; given++) {
      if (this.#index >= count) {
        execution.sink.respond(null, true);
        return;
      }
      if (this.#isCancelled()) return;
      const delay = delayMs(this.#index);
      if (delay > 0 || given === answersPerTurn) {
        this.#later(delay, delay > 0);
        return;
      }
      const { parent } = execution.request;
      if (parent?.congested === true) {
        parent.whenRelieved(() => clock.setTimer(0, () => this.#next()));
        return;
      }
      this.#give();
    }
  }

  /** @param give Whether an answer is due then. */
  #later(delayMs: number, give: boolean): void {
    const { execution, clock } = this.#parts;
    const { cancellation } = execution.request;
    const wake = (): void => {
      timer.cancel();
      cancellation.offCancel(wake);
      if (this.#isCancelled()) return;
      if (give) this.#give();
      this.#next();
    };
    const timer = clock.setTimer(delayMs, wake);
    cancellation.onCancel(wake);
  }

  #isCancelled(): boolean {
    const { execution } = this.#parts;
    if (!execution.request.cancellation.cancelled) return false;
    const text = 'the request was cancelled while it was executed';
    execution.sink.fail(new TritonError('CANCELLED', text));
    return true;
  }

  #give(): void {
    const { execution, answer, modelName, modelVersion } = this.#parts;
    const { request, sink } = execution;
    const tensors = answer(this.#index++);
    if (tensors === null) return;
    if (tensors instanceof TritonError) {
      sink.fail(tensors, { final: false });
      return;
    }
    const outputs = request.outputNames.flatMap((name) => tensors.get(name) ?? []);
    sink.respond(
      { modelName, modelVersion, id: request.id, parameters: noParameters, outputs },
      false,
    );
  }
}
