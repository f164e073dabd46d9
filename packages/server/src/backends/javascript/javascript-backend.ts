import { resolve } from 'node:path';
import type { ModelConfig } from '@nereid/protocol';
import type {
  Backend,
  BackendLoadContext,
  BackendModel,
  InstancePlace,
} from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import type { CallChains } from '../worker/call-chains.ts';
import { WorkerLife } from '../worker/worker-life.ts';
import { WorkerLoader } from '../worker/worker-loader.ts';
import { WorkerModel } from '../worker/worker-model.ts';
import {
  type JavascriptSettings,
  javascriptSettings,
  modelFileName,
} from './javascript-settings.ts';
import { javascriptTexts, threadTexts } from './javascript-texts.ts';
import { ThreadChannel } from './thread-channel.ts';
import { threadCode } from './thread-code.ts';

export interface JavascriptBackendOptions {
  /** What models can ask the server for. */
  readonly port: InferencePort;
  /** Who waits for whom, over all backends whose models call others. */
  readonly chains: CallChains;
  /** Where the metrics that models make are published. */
  readonly metrics: CustomMetrics;
}

/** Models in JavaScript and TypeScript: a worker thread for each instance. */
export class JavascriptBackend implements Backend {
  readonly name = 'javascript';
  readonly #options: JavascriptBackendOptions;
  readonly #models = new Set<WorkerModel>();

  constructor(options: JavascriptBackendOptions) {
    this.#options = options;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { port, chains } = this.#options;
    const settings = javascriptSettings(context.config, context.backendConfig);
    const versionDirectory = resolve(context.versionDirectory);
    const setup = {
      modelName: context.modelName,
      versionDirectory,
      fileName: modelFileName(context.config, versionDirectory),
      concurrentBatches: settings.concurrentBatches,
    };
    const startWorker = (
      instanceName: string,
      place: InstancePlace | null,
    ): Promise<WorkerLife> => {
      const alone = instanceCount(context.config, place) <= 1;
      return this.#startWorker(context, { ...settings, alone }, { ...setup, instanceName });
    };
    const loader = new WorkerLoader({
      context,
      port,
      chains,
      texts: javascriptTexts,
      // A thread that awaits would run the next batch meanwhile.
      executionsAhead: 0,
      startWorker,
    });
    const model = await WorkerModel.load(loader, (gone) => this.#models.delete(gone));
    this.#models.add(model);
    return model;
  }

  async shutdown(): Promise<void> {
    await Promise.all([...this.#models].map((model) => model.kill()));
  }

  async #startWorker(
    { clock, logger }: BackendLoadContext,
    settings: JavascriptSettings & { readonly alone: boolean },
    setup: { readonly instanceName: string },
  ): Promise<WorkerLife> {
    const { instanceName } = setup;
    const { finalizeTimeoutMs, initializeTimeoutMs, heapMegabytesMax, alone } = settings;
    const code = threadCode();
    const worker = new WorkerLife({
      instanceName,
      open: (listener) =>
        new ThreadChannel({
          code,
          heapMegabytesMax,
          alone,
          label: instanceName,
          clock,
          logger,
          ...listener,
        }),
      endTimeoutMs: finalizeTimeoutMs,
      initializeTimeoutMs,
      texts: threadTexts,
      metrics: this.#options.metrics,
      clock,
      logger,
    });
    try {
      await worker.greeted(initializeTimeoutMs);
      await worker.setUp(setup);
      return worker;
    } catch (error) {
      await worker.kill('it did not start');
      throw error;
    }
  }
}

/** How many instances the model has. @param place of one that a later configuration asks for */
function instanceCount(config: ModelConfig, place: InstancePlace | null): number {
  const configured = config.instance_group.reduce((sum, { count }) => sum + count, 0);
  return Math.max(configured, place?.group.count ?? 1);
}
