import { type ParameterValue, type Tensor, TritonError } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Execution, ResponseOutcome } from '../../core/execution.ts';

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
  /**
   * Given: where nobody waits any more, the answer under way is finished, and ending takes so long. Left
   * out: the request ends at once.
   */
  readonly cancelDelayMs?: number;
  /** Told what became of each answer, and how long that took. */
  readonly told?: (index: number, outcome: ResponseOutcome, tookNs: number) => void;
  readonly clock: Clock;
}

/**
 * The many answers of a decoupled request. Ends it after the last one, or when nobody waits for it any
 * more; pauses while those who take the answers ask for it.
 */
export class PacedAnswers {
  readonly #parts: PacedAnswersParts;
  #index = 0;
  /** When the work on the answer at `#index` began. */
  #begunNs = 0;

  constructor(parts: PacedAnswersParts) {
    this.#parts = parts;
  }

  /** Begins. The execution is answered later, though maybe at once. */
  start(): void {
    this.#parts.execution.detached = true;
    this.#begunNs = this.#parts.clock.nowNs();
    this.#next();
  }

  #next(): void {
    const { execution, count, delayMs, clock } = this.#parts;
    for (let given = 0; ; given++) {
      if (this.#index >= count) {
        execution.sink.respond(null, true);
        return;
      }
      if (execution.request.cancellation.cancelled) {
        this.#cancel();
        return;
      }
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
    const { execution, cancelDelayMs, clock } = this.#parts;
    const { cancellation } = execution.request;
    const endsAtOnce = cancelDelayMs === undefined;
    const wake = (): void => {
      timer.cancel();
      cancellation.offCancel(wake);
      if (give && !(endsAtOnce && cancellation.cancelled)) this.#give();
      this.#next();
    };
    const timer = clock.setTimer(delayMs, wake);
    if (endsAtOnce) cancellation.onCancel(wake);
  }

  #cancel(): void {
    const { execution, cancelDelayMs = 0, clock } = this.#parts;
    const end = (): void => {
      this.#tell(this.#index, 'cancel');
      const text = 'the request was cancelled while it was executed';
      execution.sink.fail(new TritonError('CANCELLED', text));
    };
    if (cancelDelayMs > 0) clock.setTimer(cancelDelayMs, end);
    else end();
  }

  #tell(index: number, outcome: ResponseOutcome): void {
    const nowNs = this.#parts.clock.nowNs();
    this.#parts.told?.(index, outcome, nowNs - this.#begunNs);
    this.#begunNs = nowNs;
  }

  #give(): void {
    const { execution, answer, modelName, modelVersion } = this.#parts;
    const { request, sink } = execution;
    const index = this.#index++;
    const tensors = answer(index);
    if (tensors === null) {
      this.#tell(index, 'empty_response');
      return;
    }
    if (tensors instanceof TritonError) {
      sink.fail(tensors, { final: false });
      this.#tell(index, 'fail');
      return;
    }
    const outputs = request.outputNames.flatMap((name) => tensors.get(name) ?? []);
    sink.respond(
      { modelName, modelVersion, id: request.id, parameters: noParameters, outputs },
      false,
    );
    this.#tell(index, 'success');
  }
}
