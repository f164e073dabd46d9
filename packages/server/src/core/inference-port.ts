import type { InferRequestMessage } from '@nereid/protocol';
import type { Cancellation } from './cancellation.ts';
import type { ResponseSink } from './infer-response.ts';
import type { Trace } from './trace.ts';

/** A model version that would take a request now. */
export interface CallableModel {
  readonly name: string;
  readonly version: number;
  readonly decoupled: boolean;
  /** How many requests, or batches, it executes at once. */
  readonly instanceCount: number;
}

/**
 * The server as models call it: a model that calls another goes the way of any request. Given to the
 * backends by the composition root.
 */
export interface InferencePort {
  /** @param version null for the highest that is ready. @returns null when it does not serve. */
  find(name: string, version: number | null): CallableModel | null;
  /**
   * Loads a model that does not serve, where models are loaded on demand.
   * @returns null when there is nothing to wait for; whether it serves then, `find` tells.
   */
  summon(name: string, version: number | null, cancellation: Cancellation): Promise<void> | null;
  /**
   * Takes a request up, as `DataPlane.infer` does.
   * @param trace A child of the caller's trace, where that has one.
   * @throws TritonError for a model that does not serve and for a request that is refused; nothing was
   *   said on the sink then.
   */
  infer(
    name: string,
    version: number | null,
    message: InferRequestMessage,
    cancellation: Cancellation,
    sink: ResponseSink,
    trace?: Trace | null,
  ): void;
  /** @param config JSON, null for the configuration on disk. @throws TritonError */
  load(name: string, config: string | null, files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** @throws TritonError */
  unload(name: string, dependents: boolean): Promise<void>;
}
