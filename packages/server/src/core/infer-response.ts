import type { ParameterValue, Tensor, TritonError } from '@nereid/protocol';

/** One answer to an inference request. Its tensors may be views of a larger batch's memory. */
export interface InferResponse {
  readonly modelName: string;
  /** Decimal text, as it goes onto the wire. */
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  /** Sorted by the bytes of their names when the request named any, else in the order of the configuration. */
  readonly outputs: readonly Tensor[];
  /** All outputs go out, also those that were not asked for. */
  readonly whole?: boolean;
  /**
   * Gives the memory of the outputs back, so that another answer is written there. For whoever has sent
   * the answer, holds no view of it and knows of nobody else who does; never required, and called at most
   * once. Absent or null where the memory is nobody's to use again.
   */
  readonly release?: (() => void) | null;
}

/** Says that the model itself answered with the error: its execution did not fail. */
export interface ErrorAnswer {
  /** False when more answers of a decoupled model follow. */
  readonly final: boolean;
}

/**
 * Receives what became of a request. Exactly one call ends it: `respond` with `final` true, or
 * `fail` (unless its answer is not final). Only decoupled models answer more than once. A final answer without content
 * (`response` null) ends a decoupled request that has nothing more to say.
 *
 * A final response means that nothing reads the request's inputs any more, except as views in that
 * response: their memory is used again once the answer is sent. Who keeps inputs or outputs for longer
 * (a cache, a trace, a sequence's state) copies them; the same holds for outputs, whose memory `release` gives
 * back. `fail` promises no such thing.
 */
export interface ResponseSink {
  respond(response: InferResponse | null, final: boolean): void;
  /** @param answer given for an error that the model answered with; without it the request has failed and ended. */
  fail(error: TritonError, answer?: ErrorAnswer): void;
}
