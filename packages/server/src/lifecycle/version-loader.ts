import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ModelConfig } from '@nereid/protocol';
import type { BackendInstance, BackendModel } from '../core/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { modelIdText } from '../core/model-key.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import type { StepModels } from '../core/step-models.ts';
import {
  instancePlaces,
  instancesMax,
  instanceTotal,
  noGpus,
  normaliseInstanceGroups,
  type SupportedGpus,
  validateInstanceGroups,
  withCpuForGpu,
} from '../model-config/instance-groups.ts';
import { readModelLabels } from '../model-config/labels.ts';
import { validateModelIo } from '../model-config/validate-io.ts';
import { type LatencyConfiguration, ModelLatencies } from '../observability/model-latencies.ts';
import { ModelStatistics } from '../observability/model-statistics.ts';
import { versionFingerprint } from '../repository/directory-fingerprint.ts';
import type { ModelDefinition } from '../repository/model-definition.ts';
import type { RateLimiter } from '../scheduling/rate-limiting/rate-limiter.ts';
import { readStateSettings } from '../scheduling/sequence/state-settings.ts';
import type { BackendRegistry } from './backend-registry.ts';
import { ensembleLabels, ensembleModel } from './ensemble-model.ts';
import { LoadedModel, type VersionOrigin } from './loaded-model.ts';
import { scheduleModel } from './model-scheduling.ts';
import { ModelWarmup, type PrepareRequest } from './model-warmup.ts';

export interface VersionLoaderOptions {
  readonly backends: BackendRegistry;
  readonly autoComplete: boolean;
  /** `--backend-config` settings by backend name; '' holds those for every backend. */
  readonly backendConfig: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Asked when a version is loaded; null when the server has none. */
  readonly responseCache: () => ResponseCache | null;
  /** What of latencies is kept beyond their sums. */
  readonly latencies: LatencyConfiguration;
  /** Null with --rate-limit=off. */
  readonly rateLimiter: RateLimiter | null;
  /** Holds the requests of a warmup against a model's configuration. */
  readonly prepareRequest: PrepareRequest;
  /** Schedulers send nothing before so many requests wait; 0 for those of users. */
  readonly delaySchedulerRequests?: number;
  /** Nor before so many wait of sequences without a slot. */
  readonly delayBacklogRequests?: number;
  /** Where there is no GPU, instances that want one run on the CPU: --allow-cpu-fallback. */
  readonly cpuFallback?: boolean;
  /** Asked when a version is loaded; missing is a machine without any. */
  readonly gpus?: () => SupportedGpus;
  /** Who executes the steps of ensembles. */
  readonly stepModels: StepModels;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Brings one version of a model into memory: backend, scheduler, statistics, labels. */
export class VersionLoader {
  readonly #options: VersionLoaderOptions;

  constructor(options: VersionLoaderOptions) {
    this.#options = options;
  }

  /** @throws TritonError whose text becomes the version's reason. Nothing stays loaded then. */
  async load(definition: ModelDefinition, version: number): Promise<LoadedModel> {
    const { clock, logger } = this.#options;
    const startNs = clock.nowNs();
    const origin = await originOf(definition, version);
    const backendModel = await this.#loadBackendModel(definition, version);
    try {
      const labels = await this.#labels(backendModel.config, definition.directory);
      const states = await readStateSettings(backendModel.config, definition.directory);
      const statistics = this.#newStatistics(backendModel.config);
      const warmUp = await this.#warmup(definition, backendModel.config, statistics);
      const places = instancePlaces(backendModel.config);
      for (const [index, instance] of backendModel.instances.entries()) {
        if (places[index]?.group.passive !== true) await warmUp(instance);
      }
      return new LoadedModel({
        key: { ...definition.id, version },
        backendModel,
        ...scheduleModel({
          key: { ...definition.id, version },
          // A configuration that came with the request is in no file.
          fingerprint: definition.source === null ? null : definition.fingerprint,
          cache: this.#options.responseCache(),
          limiter: this.#options.rateLimiter,
          model: backendModel,
          states,
          stepModels: this.#options.stepModels,
          statistics,
          clock,
          logger,
          hold: {
            requestCount: this.#options.delaySchedulerRequests ?? 0,
            backlogRequestCount: this.#options.delayBacklogRequests ?? 0,
          },
        }),
        origin,
        overrides: definition.overrides,
        labels,
        statistics,
        loadDurationSecs: (clock.nowNs() - startNs) / 1e9,
        loadedAtMs: clock.wallMs(),
      });
    } catch (error) {
      await backendModel.unload().catch((failure: unknown) => {
        const text = `failed to release '${modelIdText(definition.id)}' version ${version}: ${failure}`;
        logger.error(text);
      });
      throw error;
    }
  }

  /** @throws TritonError for `model_metrics` that cannot be. */
  #newStatistics(config: ModelConfig): ModelStatistics {
    const { latencies, responseCache, clock, logger } = this.#options;
    if (!latencies.histograms && !latencies.summaries) return new ModelStatistics(clock);
    const cached = responseCache() !== null && config.response_cache?.enable === true;
    return new ModelStatistics(clock, new ModelLatencies(latencies, config, cached, clock, logger));
  }

  /**
   * Whether a version that serves can go on as the definition says: its files are the same, and nothing but
   * `instance_group` and `version_policy` differs.
   */
  async canUpdate(
    model: LoadedModel,
    definition: ModelDefinition,
    version: number,
  ): Promise<boolean> {
    const { origin } = model;
    // What an ensemble runs on may have changed.
    if (definition.config.ensemble_scheduling !== null) return false;
    if (definition.overrides !== null || definition.directory !== origin.directory) return false;
    const written = definition.config;
    if (!sameButInstances(written, origin.config) && !sameButInstances(written, model.config)) {
      return false;
    }
    const config = this.#withInstancesOf(model.config, written);
    // As many as nobody may ask for are not even listed: `update` refuses them.
    if (instanceTotal(config) <= instancesMax && !model.canBecome(config)) return false;
    return (await originOf(definition, version)).fingerprint === origin.fingerprint;
  }

  /**
   * Gives a version that serves the instances that the definition asks for.
   * @throws TritonError for instances that cannot be; the version goes on as it was.
   */
  async update(model: LoadedModel, definition: ModelDefinition, version: number): Promise<void> {
    const config = this.#withInstancesOf(model.config, definition.config);
    validateInstanceGroups(config, this.#gpus, definition.source);
    this.#tellFallback(definition.config);
    const origin = await originOf(definition, version);
    await model.become(config, origin, await this.#warmup(definition, config, model.statistics));
  }

  #withInstancesOf(config: ModelConfig, written: ModelConfig): ModelConfig {
    const { instance_group, version_policy } = written;
    return this.#placed({ ...config, instance_group, version_policy });
  }

  /** What to do with each new instance that will get requests. */
  async #warmup(
    { directory }: ModelDefinition,
    config: ModelConfig,
    statistics: ModelStatistics,
  ): Promise<(instance: BackendInstance) => Promise<void>> {
    if (config.model_warmup.length === 0) return async () => {};
    const { prepareRequest, clock, logger } = this.#options;
    const parts = { config, directory, statistics, prepareRequest, clock, logger };
    const warmup = await ModelWarmup.prepare(parts);
    return (instance) => warmup.run(instance);
  }

  async #labels(
    config: ModelConfig,
    directory: string,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const labels = await readModelLabels(config, directory);
    if (config.ensemble_scheduling === null) return labels;
    return ensembleLabels(config, labels, this.#options.stepModels);
  }

  async #loadBackendModel(definition: ModelDefinition, version: number): Promise<BackendModel> {
    const { backends, autoComplete, clock, logger } = this.#options;
    if (definition.config.ensemble_scheduling !== null) {
      validateModelIo(definition.config, definition.source);
      return ensembleModel(definition.config);
    }
    const backend = backends.forModel(definition.config);
    const config = this.#placed(definition.config);
    validateInstanceGroups(config, this.#gpus, definition.source);
    this.#tellFallback(definition.config);
    return backend.loadModel({
      modelName: definition.id.name,
      version,
      modelDirectory: definition.directory,
      versionDirectory: join(definition.directory, String(version)),
      config,
      configSource: definition.source,
      autoComplete,
      backendConfig: this.#backendConfig(definition.config),
      logger,
      clock,
    });
  }

  /** Says where each instance runs. */
  #placed(config: ModelConfig): ModelConfig {
    const gpus = this.#gpus;
    const placed = this.#options.cpuFallback === true ? withCpuForGpu(config, gpus) : config;
    if (gpus.ids.length === 0 || config.ensemble_scheduling !== null) {
      return normaliseInstanceGroups(placed, gpus);
    }
    const { usesGpus = true } = this.#options.backends.forModel(config);
    return normaliseInstanceGroups(placed, gpus, usesGpus ? gpus : noGpus);
  }

  get #gpus(): SupportedGpus {
    return this.#options.gpus?.() ?? noGpus;
  }

  #tellFallback(config: ModelConfig): void {
    if (this.#options.cpuFallback !== true || withCpuForGpu(config, this.#gpus) === config) {
      return;
    }
    this.#options.logger.warning(
      `model '${config.name}' asks for instances on a GPU and there is none: they run on the CPU (--allow-cpu-fallback)`,
    );
  }

  #backendConfig(config: ModelConfig): ReadonlyMap<string, string> {
    const { backendConfig } = this.#options;
    return new Map([
      ...(backendConfig.get('') ?? []),
      ...(backendConfig.get(config.backend) ?? []),
    ]);
  }
}

async function originOf(definition: ModelDefinition, version: number): Promise<VersionOrigin> {
  const { directory, config } = definition;
  return { directory, config, fingerprint: await versionFingerprint(directory, version) };
}

function sameButInstances(a: ModelConfig, b: ModelConfig): boolean {
  const { instance_group: _groups, version_policy: _policy, ...rest } = a;
  const { instance_group: _otherGroups, version_policy: _otherPolicy, ...otherRest } = b;
  return isDeepStrictEqual(rest, otherRest);
}
