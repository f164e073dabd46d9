import type { ModelConfig } from '@nereid/protocol';
import type { ModelId } from '../core/model-key.ts';
import type { ConfigSource } from '../model-config/config-source.ts';
import type { OverrideDirectory } from './override-directory.ts';

/** What is known of a model before it is loaded: where it lies and how it is configured. Immutable. */
export interface ModelDefinition {
  readonly id: ModelId;
  /** Local folder with config.pbtxt and the version folders. */
  readonly directory: string;
  /** Normalised; inputs and outputs may still be missing, the backend completes them. */
  readonly config: ModelConfig;
  /** The file that the configuration was read from; null when it was overridden or there is none. */
  readonly source: ConfigSource | null;
  /**
   * The state of the folder when it was read, to see later whether anything changed. Null when the
   * definition does not come from the folder (`file:` overrides), so that the next load reads it.
   */
  readonly fingerprint: string | null;
  /** The definition is one of its users; so is each version that is loaded from it. */
  readonly overrides: OverrideDirectory | null;
}

/** The `parameters` of a load request that replace what is on disk. */
export interface LoadOverrides {
  /** The JSON of a ModelConfig, or null. */
  readonly config: string | null;
  /** Contents by path relative to the model's folder; replaces the whole folder when not empty. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A load request without parameters. */
export const noOverrides: LoadOverrides = { config: null, files: new Map() };
