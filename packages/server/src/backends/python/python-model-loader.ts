import { resolve } from 'node:path';
import { type ModelConfig, modelConfigToJson } from '@nereid/protocol';
import type { BackendLoadContext, InstancePlace } from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import { instancePlaces } from '../../model-config/instance-groups.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import type { CallChains } from './call-chains.ts';
import { completedConfig } from './config-completion.ts';
import type { EnvironmentCache } from './environment/environment-cache.ts';
import type { EnvironmentContext } from './environment/environment-context.ts';
import { modelEnvironment } from './environment/model-environment.ts';
import type { PythonEnvironment } from './environment/python-environment.ts';
import type { CommandRunner } from './environment/run-command.ts';
import { coresOf, type HostPolicies } from './host-policy.ts';
import { PythonInstance } from './python-instance.ts';
import { type PythonSettings, pythonSettings, workerScript } from './python-settings.ts';
import {
  type InitializeArguments,
  PythonWorker,
  type PythonWorkerOptions,
} from './python-worker.ts';

/** What the models of one backend share. */
export interface PythonModelLoaderOptions {
  /** What models can ask the server for. */
  readonly port: InferencePort;
  readonly chains: CallChains;
  readonly cache: EnvironmentCache;
  readonly commands: CommandRunner;
  readonly satisfied: Set<string>;
  readonly metrics: CustomMetrics;
  /** Folder of a backend whose `model.py` runs all its models; null where each model has its own. */
  readonly runtimeDirectory: string | null;
  /** Settings of the Python backend, which count where the backend's own say nothing. */
  readonly baseSettings: ReadonlyMap<string, string>;
  readonly hostPolicies: HostPolicies;
}

/** Brings the workers of one version up. */
export class PythonModelLoader {
  readonly #context: BackendLoadContext;
  readonly #options: PythonModelLoaderOptions;
  readonly #settings: PythonSettings;
  readonly #workerOptions: Omit<PythonWorkerOptions, 'instanceName' | 'environment'>;
  #environment: PythonEnvironment | null = null;
  /** The worker that completed the configuration: it becomes that of the first instance. */
  #spare: PythonWorker | null = null;
  #config: ModelConfig;

  constructor(context: BackendLoadContext, options: PythonModelLoaderOptions) {
    const { config, clock, logger } = context;
    this.#context = context;
    this.#options = options;
    this.#config = config;
    const modelDirectory = resolve(context.modelDirectory);
    this.#settings = pythonSettings(
      config,
      modelDirectory,
      new Map([...options.baseSettings, ...context.backendConfig]),
    );
    this.#workerOptions = {
      modelName: context.modelName,
      versionDirectory: resolve(context.versionDirectory),
      ...codeOf(config, options.runtimeDirectory),
      script: workerScript(),
      settings: this.#settings,
      metrics: options.metrics,
      clock,
      logger,
    };
  }

  /** @throws TritonError; no process is left then. */
  async load(): Promise<{ config: ModelConfig; instances: readonly PythonInstance[] }> {
    const { autoComplete, configSource, logger, modelName } = this.#context;
    const places = instancePlaces(this.#config);
    const directories = [this.#context.versionDirectory, this.#context.modelDirectory];
    this.#environment = await modelEnvironment(
      this.#settings,
      directories.map((directory) => resolve(directory)),
      this.#environmentContext(),
    );
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
      logger.verbose(1, `model '${modelName}' has ${instances.length} Python worker(s)`);
      return { config: this.#config, instances };
    } finally {
      await this.#spare?.kill('it is not needed');
    }
  }

  async #completeConfig(place: InstancePlace | null): Promise<void> {
    const worker = await this.#startWorker(place?.name ?? this.#context.modelName, place);
    this.#spare = worker;
    const completed = await worker.completeConfig(modelConfigToJson(this.#config));
    if (completed !== null) this.#config = completedConfig(this.#config, completed);
  }

  #environmentContext(): EnvironmentContext {
    const { modelName, clock, logger } = this.#context;
    const { cache, commands, satisfied } = this.#options;
    return {
      modelName,
      cache,
      cacheDirectory: this.#settings.environmentCache,
      satisfied,
      commands,
      timeoutMs: this.#settings.environmentTimeoutMs,
      clock,
      logger,
    };
  }

  #startWorker(instanceName: string, place: InstancePlace | null): Promise<PythonWorker> {
    const cores = place === null ? null : coresOf(place, this.#options.hostPolicies);
    const { python, variables } = this.#environment as PythonEnvironment;
    const bound = cores === null ? variables : { ...variables, NEREID_WORKER_CORES: cores };
    const environment = { python, variables: bound };
    return PythonWorker.start({ ...this.#workerOptions, instanceName, environment });
  }

  /** One more, of a model that is loaded. */
  startInstance(place: InstancePlace, config: ModelConfig): Promise<PythonInstance> {
    return this.#start(place, config, false);
  }

  #start(place: InstancePlace, config: ModelConfig, first: boolean): Promise<PythonInstance> {
    const { modelName, version, clock, logger } = this.#context;
    const { name } = place;
    let spare = first ? this.#spare : null;
    if (spare !== null) this.#spare = null;
    return PythonInstance.start({
      name,
      modelName,
      modelVersion: String(version),
      decoupled: this.#config.model_transaction_policy?.decoupled === true,
      batches: this.#config.max_batch_size > 0,
      port: this.#options.port,
      chains: this.#options.chains,
      clock,
      logger,
      startWorker: async (instance) => {
        const worker = spare ?? (await this.#startWorker(name, place));
        spare = null;
        return this.#initialize(worker, instance, place, config);
      },
    });
  }

  async #initialize(
    worker: PythonWorker,
    instance: PythonInstance,
    place: InstancePlace,
    config: ModelConfig,
  ): Promise<PythonWorker> {
    try {
      const decoupled = config.model_transaction_policy?.decoupled === true;
      await worker.initialize(this.#arguments(instance.name, place, config), decoupled, instance);
      return worker;
    } catch (error) {
      await worker.kill('initialize failed');
      throw error;
    }
  }

  #arguments(
    instanceName: string,
    { group, device }: InstancePlace,
    config: ModelConfig,
  ): InitializeArguments {
    const { modelName, version, modelDirectory } = this.#context;
    const { kind } = group;
    return {
      model_config: modelConfigToJson(config),
      model_instance_kind: kind === 'KIND_GPU' ? 'GPU' : kind === 'KIND_MODEL' ? 'MODEL' : 'CPU',
      model_instance_name: instanceName,
      model_instance_device_id: String(device),
      model_repository: resolve(modelDirectory),
      model_version: String(version),
      model_name: modelName,
    };
  }
}

/** The code that runs a model: its own, or that of its backend, which reads the model's file. */
function codeOf(
  config: ModelConfig,
  runtimeDirectory: string | null,
): Pick<PythonWorkerOptions, 'fileName' | 'runtimeDirectory'> {
  const given = runtimeDirectory === null ? config.default_model_filename : config.runtime;
  return { fileName: given === '' ? 'model.py' : given, runtimeDirectory };
}
