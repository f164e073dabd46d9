import type { InferRequestMessage, ModelConfig } from '@nereid/protocol';
import type { Cancellation } from './cancellation.ts';
import type { ResponseSink } from './infer-response.ts';
import type { ModelId } from './model-key.ts';
import type { ParentRequest } from './parent-request.ts';
import type { Trace } from './trace.ts';

/** A model version that executes a step of an ensemble. Stays loaded between `retain` and `release`. */
export interface StepModel {
  readonly config: ModelConfig;
  /** Class names by output name, for outputs with labels. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  retain(): void;
  release(): void;
  /**
   * Takes a request up, as `DataPlane.infer` does.
   * @throws TritonError for a request that is refused; nothing was said on the sink then.
   */
  infer(
    message: InferRequestMessage,
    cancellation: Cancellation,
    sink: ResponseSink,
    trace: Trace | null,
    parent: ParentRequest,
  ): void;
}

/** The models of this server as ensembles use them. */
export interface StepModels {
  /**
   * @param version null for the highest that is ready.
   * @throws TritonError NOT_FOUND or UNAVAILABLE with Triton's look-up texts.
   */
  find(id: ModelId, version: number | null): StepModel;
}
