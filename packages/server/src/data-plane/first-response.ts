import type { TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../core/infer-response.ts';
import type { ModelLatencies } from '../observability/model-latencies.ts';

/** Tells how long a request waited for its first answer, good or bad, and hands everything on. */
class FirstResponse implements ResponseSink {
  readonly #sink: ResponseSink;
  readonly #latencies: ModelLatencies;
  readonly #startNs: number;
  readonly #clock: Clock;
  #answered = false;

  constructor(sink: ResponseSink, latencies: ModelLatencies, startNs: number, clock: Clock) {
    this.#sink = sink;
    this.#latencies = latencies;
    this.#startNs = startNs;
    this.#clock = clock;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null) this.#record();
    this.#sink.respond(response, final);
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    this.#record();
    this.#sink.fail(error, answer);
  }

  #record(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#latencies.recordFirstResponse(this.#clock.nowNs() - this.#startNs);
  }
}

/** The sink that a model's configuration asks for: the given one, unless first answers are recorded. */
export function recordingFirstResponse(
  sink: ResponseSink,
  latencies: ModelLatencies | null,
  startNs: number,
  clock: Clock,
): ResponseSink {
  if (latencies === null || !latencies.wantsFirstResponse) return sink;
  return new FirstResponse(sink, latencies, startNs, clock);
}
