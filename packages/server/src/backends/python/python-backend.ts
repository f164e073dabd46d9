import { resolve } from 'node:path';
import { type ModelConfig, type ModelInstanceGroup, modelConfigToJson } from '@nereid/protocol';
import type {
  Backend,
  BackendInstance,
  BackendLoadContext,
  BackendModel,
} from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import { instanceNames } from '../../model-config/instance-groups.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import { CallChains } from './call-chains.ts';
import { completedConfig } from './config-completion.ts';
import { PythonInstance } from './python-instance.ts';
import { pythonSettings, workerScript } from './python-settings.ts';
import {
  type InitializeArguments,
  PythonWorker,
  type PythonWorkerOptions,
} from './python-worker.ts';

export interface PythonBackendOptions {
  /** What models can ask the server for. */
  readonly port: InferencePort;
}

/** Models in Python, as Triton's Python backend runs them: a worker process for each instance. */
export class PythonBackend implements Backend {
  readonly name = 'python';
  readonly #options: PythonBackendOptions;
  readonly #models = new Set<PythonModel>();
  readonly #chains = new CallChains();

  constructor(options: PythonBackendOptions) {
    this.#options = options;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const model = await PythonModel.load(
      context,
      { ...this.#options, chains: this.#chains },
      (gone) => this.#models.delete(gone),
    );
    this.#models.add(model);
    return model;
  }

  async shutdown(): Promise<void> {
    await Promise.all([...this.#models].map((model) => model.kill()));
  }
}

interface LoaderOptions extends PythonBackendOptions {
  readonly chains: CallChains;
}

/** One version: as many workers as it has instances. */
class PythonModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  readonly #instances: readonly PythonInstance[];
  readonly #unloaded: (model: PythonModel) => void;

  private constructor(
    config: ModelConfig,
    instances: readonly PythonInstance[],
    unloaded: (model: PythonModel) => void,
  ) {
    this.config = config;
    this.instances = instances;
    this.#instances = instances;
    this.#unloaded = unloaded;
  }

  static async load(
    context: BackendLoadContext,
    options: LoaderOptions,
    unloaded: (model: PythonModel) => void,
  ): Promise<PythonModel> {
    const loader = new PythonModelLoader(context, options);
    const { config, instances } = await loader.load();
    return new PythonModel(config, instances, unloaded);
  }

  async unload(): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.stop()));
    this.#unloaded(this);
  }

  async kill(): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.kill()));
  }
}

/** Brings the workers of one version up. */
class PythonModelLoader {
  readonly #context: BackendLoadContext;
  readonly #options: LoaderOptions;
  readonly #workerOptions: Omit<PythonWorkerOptions, 'instanceName'>;
  /** The worker that completed the configuration: it becomes that of the first instance. */
  #spare: PythonWorker | null = null;
  #config: ModelConfig;

  constructor(context: BackendLoadContext, options: LoaderOptions) {
    const { config, clock, logger } = context;
    this.#context = context;
    this.#options = options;
    this.#config = config;
    const modelDirectory = resolve(context.modelDirectory);
    this.#workerOptions = {
      modelName: context.modelName,
      versionDirectory: resolve(context.versionDirectory),
      fileName: config.default_model_filename === '' ? 'model.py' : config.default_model_filename,
      script: workerScript(),
      settings: pythonSettings(config, modelDirectory, context.backendConfig),
      clock,
      logger,
    };
  }

  /** @throws TritonError; no process is left then. */
  async load(): Promise<{ config: ModelConfig; instances: readonly PythonInstance[] }> {
    const { autoComplete, configSource, logger, modelName } = this.#context;
    const names = instanceNames(this.#config);
    try {
      if (autoComplete) await this.#completeConfig(names[0] ?? modelName);
      if (autoComplete) validateModelIo(this.#config, configSource);
      const started = await Promise.allSettled(
        names.map((name, index) => this.#start(name, index)),
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

  async #completeConfig(instanceName: string): Promise<void> {
    const worker = await PythonWorker.start({ ...this.#workerOptions, instanceName });
    this.#spare = worker;
    const completed = await worker.completeConfig(modelConfigToJson(this.#config));
    if (completed !== null) this.#config = completedConfig(this.#config, completed);
  }

  #start(name: string, index: number): Promise<PythonInstance> {
    const { modelName, version, clock, logger } = this.#context;
    const group = this.#groupOf(index);
    let spare = index === 0 ? this.#spare : null;
    if (spare !== null) this.#spare = null;
    return PythonInstance.start({
      name,
      modelName,
      modelVersion: String(version),
      decoupled: this.#config.model_transaction_policy?.decoupled === true,
      port: this.#options.port,
      chains: this.#options.chains,
      clock,
      logger,
      startWorker: async (instance) => {
        const worker =
          spare ?? (await PythonWorker.start({ ...this.#workerOptions, instanceName: name }));
        spare = null;
        return this.#initialize(worker, instance, group);
      },
    });
  }

  async #initialize(
    worker: PythonWorker,
    instance: PythonInstance,
    group: ModelInstanceGroup | null,
  ): Promise<PythonWorker> {
    const { modelName, logger } = this.#context;
    try {
      const decoupled = this.#config.model_transaction_policy?.decoupled === true;
      const { hasReadiness } = await worker.initialize(
        this.#arguments(instance.name, group),
        decoupled,
        instance,
      );
      if (hasReadiness) {
        logger.warning(`model '${modelName}' defines is_ready, which is not called yet`);
      }
      return worker;
    } catch (error) {
      await worker.kill('initialize failed');
      throw error;
    }
  }

  #arguments(instanceName: string, group: ModelInstanceGroup | null): InitializeArguments {
    const { modelName, version, modelDirectory } = this.#context;
    const gpu = group?.kind === 'KIND_GPU';
    return {
      model_config: modelConfigToJson(this.#config),
      model_instance_kind: gpu ? 'GPU' : group?.kind === 'KIND_MODEL' ? 'MODEL' : 'CPU',
      model_instance_name: instanceName,
      model_instance_device_id: String((gpu ? group.gpus[0] : null) ?? 0),
      model_repository: resolve(modelDirectory),
      model_version: String(version),
      model_name: modelName,
    };
  }

  /** The group that the instance of this number belongs to. */
  #groupOf(index: number): ModelInstanceGroup | null {
    let left = index;
    for (const group of this.#config.instance_group) {
      if (left < group.count) return group;
      left -= group.count;
    }
    return null;
  }
}
