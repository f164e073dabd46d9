import type { Backend, BackendLoadContext, BackendModel } from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { SharedBlocks } from '../../memory/shared-blocks.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import type { CallChains } from '../worker/call-chains.ts';
import { WorkerModel } from '../worker/worker-model.ts';
import { EnvironmentCache } from './environment/environment-cache.ts';
import { CommandRunner } from './environment/run-command.ts';
import type { HostPolicies } from './host-policy.ts';
import { pythonModelLoader } from './python-model-loader.ts';

export interface PythonBackendOptions {
  /** `python`, or that of a backend that is written in Python. */
  readonly name?: string;
  /** Folder of that backend, with its `model.py`. */
  readonly runtimeDirectory?: string;
  /** `--backend-config=python,…`, which counts for backends in Python where their own settings say nothing. */
  readonly baseSettings?: ReadonlyMap<string, string>;
  /** What models can ask the server for. */
  readonly port: InferencePort;
  /** Who waits for whom, over all backends whose models call others. */
  readonly chains: CallChains;
  /** Where the metrics that models make are published. */
  readonly metrics: CustomMetrics;
  /** What instances are bound to. */
  readonly hostPolicies: HostPolicies;
  /** Memory that requests and workers have in common. */
  readonly blocks: SharedBlocks;
}

/** Models in Python, as Triton's Python backend runs them: a worker process for each instance. */
export class PythonBackend implements Backend {
  readonly name: string;
  readonly #options: PythonBackendOptions;
  readonly #models = new Set<WorkerModel>();
  readonly #cache = new EnvironmentCache();
  readonly #commands = new CommandRunner();
  readonly #satisfied = new Set<string>();

  constructor(options: PythonBackendOptions) {
    this.name = options.name ?? 'python';
    this.#options = options;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const loader = await pythonModelLoader(context, {
      ...this.#options,
      runtimeDirectory: this.#options.runtimeDirectory ?? null,
      baseSettings: this.#options.baseSettings ?? new Map(),
      chains: this.#options.chains,
      cache: this.#cache,
      commands: this.#commands,
      satisfied: this.#satisfied,
    });
    const model = await WorkerModel.load(loader, (gone) => this.#models.delete(gone));
    this.#models.add(model);
    return model;
  }

  async shutdown(): Promise<void> {
    this.#commands.stop();
    await Promise.all([...this.#models].map((model) => model.kill()));
  }
}
