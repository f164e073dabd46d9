import { resolve } from 'node:path';
import { type ModelConfig, modelConfigToJson } from '@nereid/protocol';
import type { BackendLoadContext, InstancePlace } from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import { instancePlaces } from '../../model-config/instance-groups.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import type { CallChains } from './call-chains.ts';
import { completedConfig } from './config-completion.ts';
import { type InstanceTexts, WorkerInstance } from './worker-instance.ts';
import type { InitializeArguments, WorkerLife, WorkerOwner } from './worker-life.ts';

export interface WorkerLoaderParts {
  readonly context: BackendLoadContext;
  /** What models can ask the server for. */
  readonly port: InferencePort;
  readonly chains: CallChains;
  readonly texts: InstanceTexts;
  /** As of a `BackendInstance`. */
  readonly executionsAhead: number;
  /**
   * A worker that has imported the model.
   * @param place Null for one that only completes the configuration, as yet.
   * @throws TritonError
   */
  readonly startWorker: (instanceName: string, place: InstancePlace | null) => Promise<WorkerLife>;
}

/** Brings the workers of one version up. */
export class WorkerLoader {
  readonly #parts: WorkerLoaderParts;
  /** The worker that completed the configuration: it becomes that of the first instance. */
  #spare: WorkerLife | null = null;
  #config: ModelConfig;

  constructor(parts: WorkerLoaderParts) {
    this.#parts = parts;
    this.#config = parts.context.config;
  }

  /** @throws TritonError; no worker is left then. */
  async load(): Promise<{ config: ModelConfig; instances: readonly WorkerInstance[] }> {
    const { autoComplete, configSource, logger, modelName } = this.#parts.context;
    const places = instancePlaces(this.#config);
    try {
      if (autoComplete) await this.#completeConfig(places[0] ?? null);
      if (autoComplete) validateModelIo(this.#config, configSource);
      const started = await Promise.allSettled(
        places.map((place, index) => this.#start(place, this.#config, index === 0)),
      );
      const failure = started.find((result) => result.status === 'rejected');
      const instances = started.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value] : [],
      );
      if (failure !== undefined) {
        await Promise.all(instances.map((instance) => instance.kill()));
        throw failure.reason;
      }
      logger.verbose(1, `model '${modelName}' has ${instances.length} worker(s)`);
      return { config: this.#config, instances };
    } finally {
      await this.#spare?.kill('it is not needed');
    }
  }

  /** One more, of a model that is loaded. */
  startInstance(place: InstancePlace, config: ModelConfig): Promise<WorkerInstance> {
    return this.#start(place, config, false);
  }

  async #completeConfig(place: InstancePlace | null): Promise<void> {
    const { startWorker, context } = this.#parts;
    const worker = await startWorker(place?.name ?? context.modelName, place);
    this.#spare = worker;
    const completed = await worker.completeConfig(modelConfigToJson(this.#config));
    if (completed !== null) this.#config = completedConfig(this.#config, completed);
  }

  #start(place: InstancePlace, config: ModelConfig, first: boolean): Promise<WorkerInstance> {
    const { context, port, chains, texts, executionsAhead, startWorker } = this.#parts;
    const { modelName, version, clock, logger } = context;
    let spare = first ? this.#spare : null;
    if (spare !== null) this.#spare = null;
    return WorkerInstance.start({
      name: place.name,
      modelName,
      modelVersion: String(version),
      decoupled: config.model_transaction_policy?.decoupled === true,
      batches: config.max_batch_size > 0,
      executionsAhead,
      reschedules: config.sequence_batching?.iterative_sequence === true,
      port,
      chains,
      texts,
      clock,
      logger,
      startWorker: async (owner) => {
        const worker = spare ?? (await startWorker(place.name, place));
        spare = null;
        await this.#initialize(worker, owner, place, config);
        return worker;
      },
    });
  }

  async #initialize(
    worker: WorkerLife,
    owner: WorkerOwner,
    place: InstancePlace,
    config: ModelConfig,
  ): Promise<void> {
    try {
      const decoupled = config.model_transaction_policy?.decoupled === true;
      await worker.initialize(this.#arguments(place, config), decoupled, owner);
    } catch (error) {
      await worker.kill('initialize failed');
      throw error;
    }
  }

  #arguments({ name, group, device }: InstancePlace, config: ModelConfig): InitializeArguments {
    const { modelName, version, modelDirectory } = this.#parts.context;
    const { kind } = group;
    return {
      model_config: modelConfigToJson(config),
      model_instance_kind: kind === 'KIND_GPU' ? 'GPU' : kind === 'KIND_MODEL' ? 'MODEL' : 'CPU',
      model_instance_name: name,
      model_instance_device_id: String(device),
      model_repository: resolve(modelDirectory),
      model_version: String(version),
      model_name: modelName,
    };
  }
}
