import { TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { RequestTimes } from '../core/infer-request.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../core/infer-response.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import type { ModelKey } from '../core/model-key.ts';

/** Longer ids and reasons are cut: clients choose them. */
const textLengthMax = 256;

export interface AccessLogOptions {
  /** A request that takes at least so long is slow. */
  readonly slowMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes a line for each inference request that fails or is slow. */
export class AccessLog {
  readonly #slowNs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ slowMs, clock, logger }: AccessLogOptions) {
    this.#slowNs = slowMs * 1e6;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The sink, with an eye on it. @param times Filled in by whoever executes the request. */
  watch(
    sink: ResponseSink,
    key: ModelKey,
    id: string,
    startNs: number,
    times: RequestTimes,
  ): ResponseSink {
    return new WatchedRequest(sink, (failure, responseCount) => {
      const tookNs = this.#clock.nowNs() - startNs;
      if (failure === null && tookNs < this.#slowNs) return;
      this.#logger.info(failure === null ? 'slow request' : 'failed request', {
        ...requestFields(key.name, key.version, id),
        total_ms: milliseconds(tookNs),
        queue_ms: milliseconds(times.queueNs),
        compute_ms: milliseconds(times.computeNs),
        responses: responseCount,
        ...(failure === null ? {} : failureFields(failure)),
      });
    });
  }

  /** A request that was not taken up, for want of a model or because it breaks a rule. */
  refused(modelName: string, version: number | null, id: string, failure: unknown): void {
    const error =
      failure instanceof TritonError ? failure : new TritonError('INTERNAL', 'unexpected failure');
    this.#logger.info('refused request', {
      ...requestFields(modelName, version, id),
      ...failureFields(error),
    });
  }
}

/** Hands everything on, and tells how it ended. */
class WatchedRequest implements ResponseSink {
  readonly #sink: ResponseSink;
  readonly #ended: (failure: TritonError | null, responseCount: number) => void;
  #failure: TritonError | null = null;
  #responseCount = 0;

  constructor(
    sink: ResponseSink,
    ended: (failure: TritonError | null, responseCount: number) => void,
  ) {
    this.#sink = sink;
    this.#ended = ended;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null) this.#responseCount++;
    try {
      this.#sink.respond(response, final);
    } finally {
      if (final) this.#ended(this.#failure, this.#responseCount);
    }
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    this.#failure ??= error;
    try {
      this.#sink.fail(error, answer);
    } finally {
      if (answer === undefined || answer.final) this.#ended(this.#failure, this.#responseCount);
    }
  }
}

function requestFields(model: string, version: number | null, id: string): LogFields {
  return {
    model: cut(model),
    ...(version === null ? {} : { version }),
    ...(id === '' ? {} : { id: cut(id) }),
  };
}

function failureFields({ code, message }: TritonError): LogFields {
  return { code, reason: cut(message) };
}

function cut(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}…`;
}

function milliseconds(ns: number): number {
  return Math.round(ns / 1000) / 1000;
}
