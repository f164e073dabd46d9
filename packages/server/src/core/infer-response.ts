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
}

/**
 * Receives what became of a request. Exactly one call ends it: `respond` with `final` true, or
 * `fail`. Only decoupled models call `respond` more than once. A final answer without content
 * (`response` null) ends a decoupled request that has nothing more to say.
 */
export interface ResponseSink {
  respond(response: InferResponse | null, final: boolean): void;
  fail(error: TritonError): void;
}
