import type { ModelConfig, TritonError } from '@nereid/protocol';
import type {
  Backend,
  BackendInstance,
  BackendLoadContext,
  BackendModel,
  BackendReport,
  InstancePlace,
} from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import { readSystemFile, residentMemory } from '../../observability/system-usage.ts';
import { CallChains } from './call-chains.ts';
import { EnvironmentCache } from './environment/environment-cache.ts';
import { CommandRunner } from './environment/run-command.ts';
import type { HostPolicies } from './host-policy.ts';
import type { PythonInstance } from './python-instance.ts';
import { PythonModelLoader, type PythonModelLoaderOptions } from './python-model-loader.ts';

export interface PythonBackendOptions {
  /** `python`, or that of a backend that is written in Python. */
  readonly name?: string;
  /** Folder of that backend, with its `model.py`. */
  readonly runtimeDirectory?: string;
  /** `--backend-config=python,…`, which counts for backends in Python where their own settings say nothing. */
  readonly baseSettings?: ReadonlyMap<string, string>;
  /** What models can ask the server for. */
  readonly port: InferencePort;
  /** Where the metrics that models make are published. */
  readonly metrics: CustomMetrics;
  /** What instances are bound to. */
  readonly hostPolicies: HostPolicies;
}

/** Models in Python, as Triton's Python backend runs them: a worker process for each instance. */
export class PythonBackend implements Backend {
  readonly name: string;
  readonly #options: PythonBackendOptions;
  readonly #models = new Set<PythonModel>();
  readonly #chains = new CallChains();
  readonly #cache = new EnvironmentCache();
  readonly #commands = new CommandRunner();
  readonly #satisfied = new Set<string>();

  constructor(options: PythonBackendOptions) {
    this.name = options.name ?? 'python';
    this.#options = options;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const model = await PythonModel.load(
      context,
      {
        ...this.#options,
        runtimeDirectory: this.#options.runtimeDirectory ?? null,
        baseSettings: this.#options.baseSettings ?? new Map(),
        chains: this.#chains,
        cache: this.#cache,
        commands: this.#commands,
        satisfied: this.#satisfied,
      },
      (gone) => this.#models.delete(gone),
    );
    this.#models.add(model);
    return model;
  }

  async shutdown(): Promise<void> {
    this.#commands.stop();
    await Promise.all([...this.#models].map((model) => model.kill()));
  }
}

/** One version: as many workers as it has instances. */
class PythonModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  /** They come and go while the model serves. */
  readonly #instances: Set<PythonInstance>;
  readonly #loader: PythonModelLoader;
  readonly #unloaded: (model: PythonModel) => void;

  private constructor(
    config: ModelConfig,
    instances: readonly PythonInstance[],
    loader: PythonModelLoader,
    unloaded: (model: PythonModel) => void,
  ) {
    this.config = config;
    this.instances = instances;
    this.#instances = new Set(instances);
    this.#loader = loader;
    this.#unloaded = unloaded;
  }

  static async load(
    context: BackendLoadContext,
    options: PythonModelLoaderOptions,
    unloaded: (model: PythonModel) => void,
  ): Promise<PythonModel> {
    const loader = new PythonModelLoader(context, options);
    const { config, instances } = await loader.load();
    return new PythonModel(config, instances, loader, unloaded);
  }

  acceptsInstance(): boolean {
    return true;
  }

  async addInstance(place: InstancePlace, config: ModelConfig): Promise<BackendInstance> {
    const instance = await this.#loader.startInstance(place, config);
    this.#instances.add(instance);
    return instance;
  }

  async removeInstance(instance: BackendInstance): Promise<void> {
    const own = instance as PythonInstance;
    this.#instances.delete(own);
    await own.stop();
  }

  report(): BackendReport {
    let residentBytes = 0;
    let workerRestarts = 0;
    for (const { restartCount, pid } of this.#instances) {
      workerRestarts += restartCount;
      if (pid !== null) residentBytes += residentMemory(readSystemFile, pid) ?? 0;
    }
    return { memoryBytes: new Map([['worker_resident', residentBytes]]), workerRestarts };
  }

  unreadiness(): TritonError | null | Promise<TritonError | null> {
    const asked: Promise<TritonError | null>[] = [];
    for (const instance of this.#instances) {
      const unreadiness = instance.unreadiness();
      if (unreadiness instanceof Promise) asked.push(unreadiness);
      else if (unreadiness !== null) return unreadiness;
    }
    if (asked.length === 0) return null;
    return Promise.all(asked).then((answers) => answers.find((answer) => answer !== null) ?? null);
  }

  async unload(): Promise<void> {
    await Promise.all([...this.#instances].map((instance) => instance.stop()));
    this.#unloaded(this);
  }

  async kill(): Promise<void> {
    await Promise.all([...this.#instances].map((instance) => instance.kill()));
  }
}
