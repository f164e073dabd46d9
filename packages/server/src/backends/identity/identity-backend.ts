import type { ModelConfig } from '@nereid/protocol';
import type {
  Backend,
  BackendInstance,
  BackendLoadContext,
  BackendModel,
  InstancePlace,
} from '../../core/backend.ts';
import { instanceNames } from '../../model-config/instance-groups.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import { IdentityInstance } from './identity-instance.ts';
import { checkIdentityPairs } from './identity-pairs.ts';
import { identitySettings } from './identity-settings.ts';

/** Triton's `identity` test backend: OUTPUTn is INPUTn, after a delay if the model asks for one. */
export class IdentityBackend implements Backend {
  readonly name = 'identity';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config, clock } = context;
    validateModelIo(config, context.configSource);
    checkIdentityPairs(config);
    const settings = identitySettings(config);
    if (settings.creationDelaySecs > 0) {
      await new Promise<void>((resolve) => {
        clock.setTimer(settings.creationDelaySecs * 1000, resolve);
      });
    }
    return new IdentityModel(
      context,
      settings.executeDelayMs,
      settings.instanceWiseDelayMultiplier,
    );
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

class IdentityModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  readonly tensorsInPlace = true;

  readonly #context: BackendLoadContext;
  readonly #executeDelayMs: number;
  readonly #multiplier: number;
  #instanceCount = 0;

  constructor(context: BackendLoadContext, executeDelayMs: number, multiplier: number) {
    this.config = context.config;
    this.#context = context;
    this.#executeDelayMs = executeDelayMs;
    this.#multiplier = multiplier;
    this.instances = instanceNames(context.config).map((name) => this.#instance(name));
  }

  acceptsInstance(): boolean {
    return true;
  }

  async addInstance(place: InstancePlace): Promise<BackendInstance> {
    return this.#instance(place.name);
  }

  async removeInstance(): Promise<void> {
    // Holds nothing.
  }

  async unload(): Promise<void> {
    // Holds nothing.
  }

  #instance(name: string): IdentityInstance {
    const { config, clock, modelName, version } = this.#context;
    const index = this.#instanceCount++;
    return new IdentityInstance(name, {
      modelName,
      modelVersion: String(version),
      config,
      // The first instance's number is 0: Triton never multiplies by less than 1.
      delayMs: this.#executeDelayMs * Math.max(1, this.#multiplier * index),
      clock,
    });
  }
}
