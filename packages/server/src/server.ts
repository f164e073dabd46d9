import type { AddressInfo } from 'node:net';
import { Nvml } from '@nereid/native';
import { TritonError } from '@nereid/protocol';
import type { GrpcHandler, HttpHandler } from '@nereid/transport';
import { builtInBackends } from './built-in-backends.ts';
import { openResponseCache } from './cache/open-response-cache.ts';
import { ControlPlane } from './control-plane/control-plane.ts';
import { LogControl } from './control-plane/log-control.ts';
import type { ServerState } from './control-plane/server-state.ts';
import { TraceControl } from './control-plane/trace-control.ts';
import { type Clock, systemClock } from './core/clock.ts';
import type { Logger } from './core/logger.ts';
import { modelIdText } from './core/model-key.ts';
import type { ResponseCache } from './core/response-cache.ts';
import { AccessLog } from './data-plane/access-log.ts';
import { DataPlane } from './data-plane/data-plane.ts';
import { prepareRequest } from './data-plane/prepare-request.ts';
import type { BackendRegistry } from './lifecycle/backend-registry.ts';
import { LazyModels } from './lifecycle/lazy-models.ts';
import type { LoadedModel } from './lifecycle/loaded-model.ts';
import { loadedModelMetrics } from './lifecycle/loaded-model-metrics.ts';
import { MemoryBudget } from './lifecycle/memory-budget.ts';
import { ModelLifeCycle } from './lifecycle/model-life-cycle.ts';
import { ModelManager } from './lifecycle/model-manager.ts';
import { RepositoryPoller } from './lifecycle/repository-poller.ts';
import { fileBytes, residentBytes } from './lifecycle/resident-memory.ts';
import { VersionLoader } from './lifecycle/version-loader.ts';
import { SharedBlocks } from './memory/shared-blocks.ts';
import { SharedMemoryRegistry } from './memory/shared-memory-registry.ts';
import { noGpus, type SupportedGpus } from './model-config/instance-groups.ts';
import { CustomMetrics } from './observability/custom-metrics.ts';
import { GpuMetrics } from './observability/gpu-metrics.ts';
import { type Log, openLog } from './observability/log.ts';
import { metricFamilies } from './observability/metric-families.ts';
import { MetricsRegistry } from './observability/metrics-registry.ts';
import { ProcessMetrics } from './observability/process-metrics.ts';
import { ResponseCounters } from './observability/response-counters.ts';
import type { ServerOptions } from './options/server-options.ts';
import { unbuiltOptionsInUse } from './options/unbuilt-options.ts';
import { DefinitionReader } from './repository/definition-reader.ts';
import { LocalModelSource } from './repository/local-model-source.ts';
import { ModelFinder } from './repository/model-finder.ts';
import { RateLimiter } from './scheduling/rate-limiting/rate-limiter.ts';
import { type CalledPlanes, serverInferencePort } from './server-inference-port.ts';
import { type Planes, ServerPorts } from './server-ports.ts';
import { serverStepModels } from './server-step-models.ts';
import { reportStart } from './start-report.ts';
import { stopOrder } from './stop-order.ts';
import { supportedGpus } from './supported-gpus.ts';
import { openTracing, type Tracing } from './tracing.ts';

/** Stops one part of the server; given up after so many milliseconds from now. */
type Stop = (graceMs: number) => Promise<void> | void;

/**
 * The composition root: makes the parts, starts them in order and stops them in reverse. One object
 * is one server; it is started once and stopped once.
 */
export class Server {
  readonly #options: ServerOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #logger: Logger;
  readonly #state: ServerState = { phase: 'starting' };
  readonly #stops: Stop[] = [];
  readonly #backends: BackendRegistry;
  readonly #lifeCycle: ModelLifeCycle;
  readonly #manager: ModelManager;
  /** Null unless models are loaded on demand. */
  readonly #lazyModels: LazyModels | null;
  readonly #sources: readonly LocalModelSource[];
  readonly #metrics: MetricsRegistry;
  readonly #sharedMemory: SharedMemoryRegistry;
  readonly #tracing: Tracing;
  /** Large tensors, where models in other processes find them. */
  readonly #blocks = new SharedBlocks();
  readonly #ports: ServerPorts;
  #cache: ResponseCache | null = null;
  #gpus: SupportedGpus = noGpus;
  #planes: CalledPlanes | null = null;
  #stopping: Promise<boolean> | null = null;

  constructor(options: ServerOptions, log: Log | null = null, clock: Clock = systemClock) {
    const repository = options.modelRepository;
    this.#options = options;
    this.#clock = clock;
    this.#log = log ?? openLog(options.log, clock);
    this.#logger = this.#log.logger('server.ts');
    const customMetrics = new CustomMetrics(metricFamilies);
    this.#backends = builtInBackends(
      options.backend,
      serverInferencePort(() => this.#calledPlanes()),
      customMetrics,
      this.#blocks,
    );
    this.#lifeCycle = new ModelLifeCycle({
      loader: new VersionLoader({
        backends: this.#backends,
        autoComplete: repository.autoCompleteConfig,
        backendConfig: options.backend.config,
        delaySchedulerRequests: repository.delaySchedulerRequests,
        delayBacklogRequests: repository.delayBacklogRequests,
        responseCache: () => this.#cache,
        stepModels: serverStepModels(() => ({
          lifeCycle: this.#lifeCycle,
          dataPlane: this.#calledPlanes().dataPlane,
        })),
        latencies: options.metrics.latencies,
        rateLimiter:
          options.rateLimits === null ? null : new RateLimiter({ limits: options.rateLimits }),
        prepareRequest,
        cpuFallback: options.backend.cpuFallback,
        gpus: () => this.#gpus,
        clock,
        logger: this.#log.logger('version-loader.ts'),
      }),
      logger: this.#log.logger('model-life-cycle.ts'),
      parallelLoadsMax: repository.loadThreadCount,
      loadRetries: repository.loadRetryCount,
    });
    this.#sources = repository.paths.map((path) => new LocalModelSource(path));
    this.#manager = new ModelManager({
      finder: new ModelFinder(this.#sources, repository.namespacing),
      reader: new DefinitionReader({
        autoComplete: repository.autoCompleteConfig,
        configName: repository.modelConfigName,
      }),
      lifeCycle: this.#lifeCycle,
      logger: this.#log.logger('model-manager.ts'),
      controlMode: repository.controlMode,
      namespacing: repository.namespacing,
    });
    this.#lazyModels = repository.controlMode === 'lazy' ? this.#makeLazyModels() : null;
    this.#metrics = new MetricsRegistry(
      options.metrics,
      loadedModelMetrics(this.#lifeCycle, () => (options.metrics.gpu ? this.#gpus : noGpus)),
      clock,
    );
    if (options.metrics.allow) {
      this.#metrics.registerSampled(new ProcessMetrics(clock, options.metrics.intervalMs));
    }
    if (options.metrics.gpu) {
      const { intervalMs } = options.metrics;
      this.#metrics.registerSampled(new GpuMetrics(clock, intervalMs, () => this.#openNvml()));
    }
    this.#sharedMemory = new SharedMemoryRegistry({
      allowed: options.allowClientSharedMemory,
      logger: this.#log.logger('shared-memory-registry.ts'),
    });
    const responses = new ResponseCounters();
    for (const collector of [responses, customMetrics]) this.#metrics.register(collector);
    this.#tracing = openTracing(options.trace, clock, this.#log);
    const planes = this.#makePlanes();
    this.#planes = planes;
    this.#ports = new ServerPorts({
      options,
      planes,
      metrics: this.#metrics,
      responses: options.metrics.allow ? responses : null,
      isExiting: () => this.#state.phase === 'exiting',
      clock,
      log: this.#log,
      blocks: this.#blocks,
      reportDefect: (error) => this.reportDefect(error),
    });
  }

  /** Where HTTP is served; null before the start and with --allow-http=false. */
  get httpAddress(): AddressInfo | null {
    return this.#ports.httpAddress;
  }

  /** Where gRPC is served; null before the start and with --allow-grpc=false. */
  get grpcAddress(): AddressInfo | null {
    return this.#ports.grpcAddress;
  }

  /** Where metrics are served; null before the start and with --allow-metrics=false. */
  get metricsAddress(): AddressInfo | null {
    return this.#ports.metricsAddress;
  }

  /** What became of the models. */
  get modelLifeCycle(): ModelLifeCycle {
    return this.#lifeCycle;
  }

  /** Answers requests, on sockets or without. */
  get httpHandler(): HttpHandler {
    return this.#ports.httpHandler;
  }

  /** Answers gRPC calls, on sockets or without. */
  get grpcHandler(): GrpcHandler {
    return this.#ports.grpcHandler;
  }

  /**
   * Loads the models, then opens the ports: whoever can connect finds the models loaded.
   *
   * @throws TritonError when a repository is missing, when a model fails and --exit-on-error is
   * on, or when a port is taken. Everything that was started is stopped again then.
   */
  async start(): Promise<void> {
    try {
      for (const line of this.#options.warnings) this.#logger.warning(line);
      for (const line of unbuiltOptionsInUse(this.#options)) this.#logger.warning(line);
      for (const source of this.#sources) await source.check();
      this.#stops.push(() => this.#tracing.close());
      await this.#tracing.start();
      this.#stops.push(() => this.#sharedMemory.close());
      await this.#openCache();
      this.#gpus = await supportedGpus(this.#options.backend.minComputeCapability, this.#logger);
      this.#stops.push(() => this.#backends.shutdown());
      this.#stops.push((graceMs) => this.#unloadModels(graceMs));
      await this.#loadModels();
      // A signal may have come meanwhile.
      if (this.#stopping !== null) throw new TritonError('UNAVAILABLE', 'Server exiting');
      this.#state.phase = 'ready';
      this.#metrics.start();
      this.#stops.push(() => this.#metrics.stop());
      this.#stops.push((graceMs) => this.#ports.close(graceMs));
      await this.#ports.open();
      this.#startPolling();
      this.#lazyModels?.start();
    } catch (error) {
      await this.stop(0);
      // A stop that came before may have missed what was started since.
      await this.#stopParts(this.#clock.nowNs());
      throw error;
    }
  }

  /**
   * Refuses new requests, answers those in flight, unloads the models, closes the ports. Called
   * again, it returns what the first call returns.
   *
   * @param graceSecs how long requests in flight may take; null for --exit-timeout-secs.
   * @returns false when something was still in flight at the end of that time.
   */
  stop(graceSecs: number | null = null): Promise<boolean> {
    this.#stopping ??= this.#stop((graceSecs ?? this.#options.exitTimeoutSecs) * 1000);
    return this.#stopping;
  }

  /** Takes renewed certificates into use at once. They are looked for every second anyway. */
  reloadCertificates(): void {
    this.#ports.reloadCertificates();
  }

  /** Goes on with a new log file where the old one was moved away. */
  reopenLog(): void {
    this.#log.reopen();
  }

  /** Writes down what nobody caught. */
  reportDefect(error: unknown): void {
    this.#logger.error(
      `unexpected failure, please report it: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }

  async #stop(graceMs: number): Promise<boolean> {
    this.#state.phase = 'exiting';
    this.#lazyModels?.stop();
    const deadlineNs = this.#clock.nowNs() + graceMs * 1e6;
    const drained = await this.#drain(deadlineNs);
    await this.#stopParts(deadlineNs);
    this.#log.close();
    return drained;
  }

  async #stopParts(deadlineNs: number): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      const leftMs = Math.max(0, (deadlineNs - this.#clock.nowNs()) / 1e6);
      try {
        await stop(leftMs);
      } catch (error) {
        this.#logger.error(`failed to stop: ${error instanceof Error ? error.stack : error}`);
      }
    }
  }

  /** Schedulers take nothing new; what they have is answered, or the time is up. */
  async #drain(deadlineNs: number): Promise<boolean> {
    const models = [...this.#lifeCycle.readyModels()];
    const inflight = models.filter((model) => model.scheduler.inflightCount > 0);
    if (inflight.length > 0) {
      const seconds = Math.round((deadlineNs - this.#clock.nowNs()) / 1e9);
      this.#logger.info(
        `Timeout ${seconds}: Found ${inflight.length} model versions that have in-flight inferences`,
      );
      for (const { key, scheduler } of inflight) {
        this.#logger.info(
          `Model '${modelIdText(key)}' (version ${key.version}) has ${scheduler.inflightCount} in-flight inferences`,
        );
      }
    }
    const drained = await this.#within(stopSchedulers(models), deadlineNs);
    this.#logger.info('All models are stopped, unloading models');
    return drained;
  }

  async #unloadModels(graceMs: number): Promise<void> {
    const deadlineNs = this.#clock.nowNs() + graceMs * 1e6;
    const live = [...this.#lifeCycle.readyModels()].length;
    const seconds = Math.round(graceMs / 1000);
    this.#logger.info(
      `Timeout ${seconds}: Found ${live} live models and 0 in-flight non-inference requests`,
    );
    if (!(await this.#within(this.#manager.unloadAll(), deadlineNs))) {
      this.#logger.error('Exit timeout expired. Exiting immediately.');
    }
  }

  /** Whether `work` ends before the deadline. It goes on unheeded if not. */
  async #within(work: Promise<unknown>, deadlineNs: number): Promise<boolean> {
    return new Promise<boolean>((resolve, reject) => {
      const leftMs = Math.max(0, (deadlineNs - this.#clock.nowNs()) / 1e6);
      const timer = this.#clock.setTimer(leftMs, () => resolve(false));
      work.then(() => {
        timer.cancel();
        resolve(true);
      }, reject);
    });
  }

  /** What models call; they can do so only when they are loaded, which is after the planes are made. */
  #calledPlanes(): CalledPlanes {
    if (this.#planes === null) throw new Error('a model called before the server was made');
    return this.#planes;
  }

  /** What every front end works with. */
  #makePlanes(): Planes {
    const { serverId, modelRepository } = this.#options;
    const controlPlane = new ControlPlane({
      serverName: serverId,
      strictReadiness: modelRepository.strictReadiness,
      lifeCycle: this.#lifeCycle,
      lazyModels: this.#lazyModels,
      manager: this.#manager,
      state: this.#state,
      logger: this.#log.logger('control-plane.ts'),
    });
    const tracing = this.#tracing.manager;
    return {
      dataPlane: new DataPlane({
        registry: this.#lazyModels ?? this.#lifeCycle,
        clock: this.#clock,
        logger: this.#log.logger('data-plane.ts'),
        accessLog: this.#accessLog(),
      }),
      controlPlane,
      logControl: new LogControl(this.#log),
      traceControl: new TraceControl(tracing, this.#lifeCycle),
      tracing,
      sharedMemory: this.#sharedMemory,
    };
  }

  async #openCache(): Promise<void> {
    const { settings, directory, redisUser, redisPassword } = this.#options.cache;
    const opened = await openResponseCache({
      settings,
      directory,
      credentials: { user: redisUser, password: redisPassword },
      clock: this.#clock,
      logger: this.#log.logger('response-cache.ts'),
    });
    if (opened === null) return;
    const { cache, metrics } = opened;
    this.#cache = cache;
    this.#stops.push(() => cache.close());
    if (metrics !== null) this.#metrics.register(metrics);
  }

  #accessLog(): AccessLog | null {
    const { accessSlowMs } = this.#options.log;
    if (accessSlowMs === null) return null;
    const logger = this.#log.logger('access-log.ts');
    return new AccessLog({ slowMs: accessSlowMs, clock: this.#clock, logger });
  }

  /** A machine without GPUs is the usual case; a library that does not work is worth a word. */
  async #openNvml(): Promise<Nvml | null> {
    try {
      return await Nvml.open();
    } catch (error) {
      this.#logger.warning(`there are no metrics of GPUs: ${error}`);
      return null;
    }
  }

  async #loadModels(): Promise<void> {
    const { controlMode, startupModels, startupModelsAll, exitOnError } =
      this.#options.modelRepository;
    const complete =
      (controlMode === 'explicit' || controlMode === 'lazy') && !startupModelsAll
        ? await this.#manager.loadNamed(startupModels)
        : await this.#manager.update();
    reportStart(this.#options, this.#backends, this.#lifeCycle, this.#logger);
    if (!complete && exitOnError) {
      throw new TritonError('INTERNAL', 'failed to load all models');
    }
  }

  #makeLazyModels(): LazyModels {
    const { idleUnloadSecs, memoryLimitBytes } = this.#options.modelRepository;
    return new LazyModels({
      manager: this.#manager,
      lifeCycle: this.#lifeCycle,
      clock: this.#clock,
      logger: this.#log.logger('lazy-models.ts'),
      idleUnloadSecs,
      memory:
        memoryLimitBytes === 0
          ? null
          : new MemoryBudget({ limitBytes: memoryLimitBytes, residentBytes, fileBytes }),
    });
  }

  #startPolling(): void {
    const { controlMode, pollSecs } = this.#options.modelRepository;
    if (controlMode !== 'poll') return;
    const poller = new RepositoryPoller({
      update: () => this.#manager.update(),
      intervalMs: pollSecs * 1000,
      clock: this.#clock,
      logger: this.#log.logger('repository-poller.ts'),
    });
    poller.start();
    this.#stops.push(() => poller.stop());
  }
}

async function stopSchedulers(models: readonly LoadedModel[]): Promise<void> {
  // Before anything else: ensembles may be what sequences go on by. What is no sequence is served meanwhile.
  await Promise.all(models.map(({ scheduler }) => scheduler.endSequences?.()));
  for (const part of stopOrder(models)) {
    await Promise.all(part.map((model) => model.scheduler.stop()));
  }
}
