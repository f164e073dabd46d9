import type { ModelConfig } from '@nereid/protocol';
import type { ModelKey } from '../core/model-key.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';

/**
 * A model version that is READY, as the planes see it. A reload makes a new one; only its instances, with
 * `instance_group` and `version_policy` of its configuration, may change while it serves. The
 * life cycle owns it; it stays usable until every reference taken by `retain` is given back.
 */
export interface ServedModel {
  readonly key: ModelKey;
  /** Normalised, completed, validated. */
  readonly config: ModelConfig;
  /** Class names by output name, for outputs with a label file. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** Its folder in the repository. */
  readonly directory: string;
  readonly scheduler: Scheduler;
  readonly statistics: ModelStatistics;
  /** Tensors may lie in memory that clients share: nothing keeps them, and what is checked may change. */
  readonly tensorsInPlace: boolean;
  /** Keeps the version loaded until the matching `release`: one pair per request in flight. */
  retain(): void;
  release(): void;
}

/** Finds models for requests. */
export interface ModelRegistry {
  /**
   * The version to serve `name` with: the asked one, or the highest that is ready.
   * @throws TritonError NOT_FOUND or UNAVAILABLE with Triton's look-up texts.
   */
  find(name: string, version: number | null): ServedModel;
}
