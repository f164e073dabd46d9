import type { TritonError } from '@nereid/protocol';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../core/infer-response.ts';

/** Answers of one request that wait for those of an earlier one. */
interface Turnstile {
  readonly sink: ResponseSink;
  readonly waiting: (() => void)[];
  ended: boolean;
}

/**
 * Lets the answers out in the order in which `inTurn` was called, whatever the order in which they are
 * given. Every sink must be ended, else the ones behind it wait for ever.
 */
export class AnswerOrder {
  readonly #queue: Turnstile[] = [];
  #flushing = false;

  /** A sink whose answers go to `sink` when every earlier one has ended. */
  inTurn(sink: ResponseSink): ResponseSink {
    const turnstile: Turnstile = { sink, waiting: [], ended: false };
    this.#queue.push(turnstile);
    return {
      respond: (response: InferResponse | null, final: boolean) => {
        this.#give(turnstile, () => turnstile.sink.respond(response, final), final);
      },
      fail: (error: TritonError, answer?: ErrorAnswer) => {
        const final = answer === undefined || answer.final;
        this.#give(turnstile, () => turnstile.sink.fail(error, answer), final);
      },
    };
  }

  #give(turnstile: Turnstile, answer: () => void, final: boolean): void {
    turnstile.waiting.push(answer);
    turnstile.ended ||= final;
    if (!this.#flushing) this.#flush();
  }

  /** An answer may bring about the next request, and so another call: that one is left to this loop. */
  #flush(): void {
    this.#flushing = true;
    try {
      for (;;) {
        const head = this.#queue[0];
        if (head === undefined) return;
        for (let next = head.waiting.shift(); next !== undefined; next = head.waiting.shift()) {
          next();
        }
        if (!head.ended) return;
        this.#queue.shift();
      }
    } finally {
      this.#flushing = false;
    }
  }
}
