import { dataTypeFromConfig, type ModelConfig, TritonError } from '@nereid/protocol';
import type { Logger } from '../core/logger.ts';
import type { LazyModels } from '../lifecycle/lazy-models.ts';
import type { LoadedModel } from '../lifecycle/loaded-model.ts';
import type { ModelLifeCycle } from '../lifecycle/model-life-cycle.ts';
import type { IndexRow, ModelManager } from '../lifecycle/model-manager.ts';
import { expectedInputShape, expectedOutputShape } from '../model-config/io-shape.ts';
import type { ModelStatisticsSnapshot } from '../observability/model-statistics.ts';
import type { LoadOverrides } from '../repository/model-definition.ts';
import type { BatchingReport } from '../scheduling/batching/batch-counters.ts';
import { serverExtensions } from './server-extensions.ts';
import type { ServerState } from './server-state.ts';

/** `GET /v2`. */
export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** An input or output as model metadata shows it; -1 is a size that varies. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** `GET /v2/models/M`. */
export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** One element of the repository index. Members that are not known are absent from the JSON. */
export interface ModelIndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state?: string;
  readonly reason?: string;
}

/** One element of `model_stats`. */
export type ModelStatisticsEntry = {
  readonly name: string;
  readonly version: string;
} & ModelStatisticsSnapshot;

/** A model that takes requests. */
export interface ServingModel {
  readonly name: string;
  /** Since the Unix epoch; null for one that its first request loads. */
  readonly loadedAtMs: number | null;
}

export interface ControlPlaneOptions {
  readonly serverName: string;
  readonly strictReadiness: boolean;
  readonly lifeCycle: ModelLifeCycle;
  /** Where models are loaded on demand; null for models that are there or are not. */
  readonly lazyModels: LazyModels | null;
  readonly manager: ModelManager;
  readonly state: ServerState;
  readonly logger: Logger;
}

/** The version of Triton that the protocol and the answers are those of. */
export const tritonVersion = '2.73.0';

/** Everything that a front end can ask besides inference. */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  /** @throws TritonError UNAVAILABLE while the server exits. */
  isLive(): boolean {
    this.#refuseWhenExiting();
    return true;
  }

  /**
   * A promise where a model has to be asked.
   * @throws TritonError UNAVAILABLE while the server exits.
   */
  isReady(): boolean | Promise<boolean> {
    this.#refuseWhenExiting();
    const { state, strictReadiness, manager, lifeCycle } = this.#options;
    if (state.phase !== 'ready') return false;
    return !strictReadiness || (manager.allReady() && this.#areReady(lifeCycle.readyModels()));
  }

  /**
   * A model that cannot be looked up is simply not ready: scripts wait for that after an unload, and
   * the recorded server answers it. (Triton 2.73 answers with the look-up error instead.) One that a
   * request would load is ready: clients ask before they send their first request.
   *
   * @returns a promise where the model has to be asked.
   * @throws TritonError UNAVAILABLE while the server exits.
   */
  isModelReady(name: string, version: number | null): boolean | Promise<boolean> {
    this.#refuseWhenExiting();
    try {
      return this.#areReady([this.#options.lifeCycle.find(name, version)]);
    } catch (failure) {
      if (!(failure instanceof TritonError)) throw failure;
      return this.#options.lazyModels?.wouldServe(name, version) ?? false;
    }
  }

  serverMetadata(): ServerMetadata {
    return {
      name: this.#options.serverName,
      version: tritonVersion,
      extensions: serverExtensions,
    };
  }

  /** @throws TritonError NOT_FOUND or UNAVAILABLE with the look-up texts, as for an inference. */
  modelMetadata(name: string, version: number | null): ModelMetadata {
    const model = this.#find(name, version);
    const { config } = model;
    const versions =
      version === null
        ? this.#readyVersions(name).map((ready) => String(ready.key.version))
        : [String(version)];
    return {
      name: config.name,
      versions,
      platform: config.platform === '' ? config.backend : config.platform,
      inputs: config.input.map((input) => ({
        name: input.name,
        datatype: dataTypeFromConfig(input.data_type) ?? 'INVALID',
        shape: expectedInputShape(config, input),
      })),
      outputs: config.output.map((output) => ({
        name: output.name,
        datatype: dataTypeFromConfig(output.data_type) ?? 'INVALID',
        shape: expectedOutputShape(config, output),
      })),
    };
  }

  /** @throws TritonError NOT_FOUND or UNAVAILABLE with the look-up texts, as for an inference. */
  modelConfig(name: string, version: number | null): ModelConfig {
    return this.#find(name, version).config;
  }

  /**
   * @param name '' for all models.
   * @throws TritonError INVALID_ARG for a model or version that does not serve.
   */
  statistics(name: string, version: number | null): readonly ModelStatisticsEntry[] {
    if (name === '') {
      return [...this.#options.lifeCycle.readyModels()].sort(byNameAndVersion).map(statisticsOf);
    }
    const ready = this.#readyVersions(name);
    if (ready.length === 0) {
      throw new TritonError('INVALID_ARG', `requested model '${name}' is not available`);
    }
    const chosen = version === null ? ready : ready.filter((m) => m.key.version === version);
    if (chosen.length === 0) {
      throw new TritonError(
        'INVALID_ARG',
        `requested model version is not available for model '${name}'`,
      );
    }
    return chosen.map(statisticsOf);
  }

  /**
   * What the queue of a model with dynamic batching did since it was loaded.
   * @throws TritonError NOT_FOUND or UNAVAILABLE with the look-up texts, as for an inference;
   *   INVALID_ARG for a model whose requests are never joined.
   */
  batching(name: string, version: number | null): BatchingReport {
    const { batchingReport } = this.#find(name, version);
    if (batchingReport === null) {
      const message = `model '${name}' does not join requests: its configuration has no dynamic_batching`;
      throw new TritonError('INVALID_ARG', message);
    }
    return batchingReport();
  }

  async repositoryIndex(readyOnly: boolean): Promise<readonly ModelIndexEntry[]> {
    return (await this.#options.manager.index(readyOnly)).map(indexEntry);
  }

  /** Models that take requests, by name. Models of one name in several namespaces are one here. */
  async servingModels(): Promise<readonly ServingModel[]> {
    const { lifeCycle, lazyModels, manager } = this.#options;
    const models = new Map<string, ServingModel>();
    for (const { key, loadedAtMs } of [...lifeCycle.readyModels()].sort(byNameAndVersion)) {
      models.set(key.name, { name: key.name, loadedAtMs });
    }
    if (lazyModels !== null) {
      for (const { id } of await manager.index(false)) {
        if (models.has(id.name) || !(await lazyModels.wouldServe(id.name, null))) continue;
        models.set(id.name, { name: id.name, loadedAtMs: null });
      }
    }
    return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws TritonError with Triton's texts; the old version, if any, serves on. */
  async loadModel(name: string, overrides: LoadOverrides): Promise<void> {
    this.#refuseWhenExiting();
    await this.#options.manager.load(name, overrides);
  }

  /** Returns when the model takes no more requests; those in flight are answered afterwards. */
  async unloadModel(
    name: string,
    { unloadDependents }: { readonly unloadDependents: boolean },
  ): Promise<void> {
    await this.#options.manager.unload(name, unloadDependents);
  }

  #find(name: string, version: number | null): LoadedModel {
    return (this.#options.lazyModels ?? this.#options.lifeCycle).find(name, version);
  }

  /** Whether models that are loaded would take requests. */
  #areReady(models: Iterable<LoadedModel>): boolean | Promise<boolean> {
    const asked: Promise<boolean>[] = [];
    for (const model of models) {
      const unreadiness = model.unreadiness();
      if (unreadiness instanceof Promise) {
        asked.push(unreadiness.then((reason) => this.#isFree(model, reason)));
      } else if (!this.#isFree(model, unreadiness)) {
        return false;
      }
    }
    return asked.length === 0 || Promise.all(asked).then((answers) => answers.every(Boolean));
  }

  #isFree({ key }: LoadedModel, unreadiness: TritonError | null): boolean {
    if (unreadiness === null) return true;
    const text = `Model '${key.name}' version ${key.version} is not ready: ${unreadiness.message}`;
    this.#options.logger.verbose(1, text);
    return false;
  }

  #readyVersions(name: string): readonly LoadedModel[] {
    const id = this.#options.manager.resolveName(name);
    return (this.#options.lifeCycle.versions(id) ?? []).flatMap((record) =>
      record.state === 'READY' && record.model !== null ? [record.model] : [],
    );
  }

  #refuseWhenExiting(): void {
    if (this.#options.state.phase === 'exiting') {
      throw new TritonError('UNAVAILABLE', 'Server exiting');
    }
  }
}

function statisticsOf(model: LoadedModel): ModelStatisticsEntry {
  const { name, version } = model.key;
  return { name, version: String(version), ...model.statistics.snapshot() };
}

function byNameAndVersion(a: LoadedModel, b: LoadedModel): number {
  if (a.key.name !== b.key.name) return a.key.name < b.key.name ? -1 : 1;
  return a.key.version - b.key.version;
}

function indexEntry({ id, version, state, reason }: IndexRow): ModelIndexEntry {
  return {
    name: id.name,
    ...(version === null ? {} : { version: String(version) }),
    ...(state === null ? {} : { state }),
    ...(reason === '' ? {} : { reason }),
  };
}
