import type { ModelConfig, TritonError } from '@nereid/protocol';
import type {
  BackendInstance,
  BackendModel,
  BackendReport,
  InstancePlace,
} from '../../core/backend.ts';
import { readSystemFile, residentMemory } from '../../observability/system-usage.ts';
import type { WorkerInstance } from './worker-instance.ts';
import type { WorkerLoader } from './worker-loader.ts';

/** One version: as many workers as it has instances. */
export class WorkerModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  /** They come and go while the model serves. */
  readonly #instances: Set<WorkerInstance>;
  readonly #loader: WorkerLoader;
  readonly #unloaded: (model: WorkerModel) => void;

  private constructor(
    config: ModelConfig,
    instances: readonly WorkerInstance[],
    loader: WorkerLoader,
    unloaded: (model: WorkerModel) => void,
  ) {
    this.config = config;
    this.instances = instances;
    this.#instances = new Set(instances);
    this.#loader = loader;
    this.#unloaded = unloaded;
  }

  /** @throws TritonError; no worker is left then. */
  static async load(
    loader: WorkerLoader,
    unloaded: (model: WorkerModel) => void,
  ): Promise<WorkerModel> {
    const { config, instances } = await loader.load();
    return new WorkerModel(config, instances, loader, unloaded);
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
    const own = instance as WorkerInstance;
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
