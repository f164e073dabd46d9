import type { CompletableConfig, Model, ModelContext } from '@nereid/model';
import type { WorkerMessage } from '../../worker/worker-message.ts';
import type { PackReader } from '../tensor-pack.ts';
import type { ThreadMessage, ThreadSetup } from '../thread-message.ts';
import { BatchRunner } from './batch-runner.ts';
import { mergedConfig } from './complete-config.ts';
import { errorText } from './error-text.ts';
import type { GivenBatch } from './given-batch.ts';
import { type ImportedModel, importModel } from './model-file.ts';
import { OutputRules } from './output-rules.ts';
import type { PrintedLines } from './printed-lines.ts';
import { ServerCalls } from './server-calls.ts';
import type { ServerListener, ServerMessage, ServerPort } from './server-port.ts';
import { ThreadMetrics } from './thread-metrics.ts';

type Step = Extract<WorkerMessage, { kind: 'done' }>;
type Initialize = Extract<ThreadMessage, { kind: 'initialize' }>;

/** One instance of a model through its life, on the side of its thread. */
export class ModelThread implements ServerListener {
  readonly #port: ServerPort;
  readonly #calls: ServerCalls;
  readonly #metrics: ThreadMetrics;
  readonly #lines: PrintedLines;
  readonly #exit: () => void;
  #setup: ThreadSetup | null = null;
  #imported: ImportedModel | null = null;
  #model: Model | null = null;
  #runner: BatchRunner | null = null;

  /** @param exit Ends the thread. */
  constructor(port: ServerPort, lines: PrintedLines, exit: () => void) {
    this.#port = port;
    this.#lines = lines;
    this.#exit = exit;
    this.#calls = new ServerCalls(port);
    this.#metrics = new ThreadMetrics(port, this.#calls);
  }

  execute({ batch, requests }: GivenBatch): void {
    this.#runner?.execute(batch, requests);
  }

  received(message: ServerMessage, tensors: PackReader): void {
    if (message.kind === 'answer') this.#calls.answered(message, tensors);
    else if (message.kind === 'acknowledge') this.#runner?.acknowledge(message.request);
    else if (message.kind === 'cancel') this.#runner?.cancel(message.request);
    else if (message.kind === 'is-ready') void this.#isReady();
    else if (message.kind === 'setup') void this.#step('setup', () => this.#import(message));
    else if (message.kind === 'auto-complete') {
      void this.#step('auto-complete', () => this.#completeConfig(message.config));
    } else if (message.kind === 'initialize') {
      void this.#step('initialize', () => this.#initialize(message));
    } else {
      void this.#finalize();
    }
  }

  async #import(setup: ThreadSetup): Promise<Partial<Step>> {
    this.#setup = setup;
    this.#imported = await importModel(setup.versionDirectory, setup.fileName);
    return {};
  }

  async #completeConfig(text: string): Promise<Partial<Step>> {
    const complete = this.#imported?.completeConfig ?? null;
    if (complete === null) return { config: null };
    const config = JSON.parse(text) as CompletableConfig;
    const given = JSON.parse(text) as CompletableConfig;
    return { config: mergedConfig(config, given, await complete(given)) };
  }

  async #initialize({ arguments: args, decoupled }: Initialize): Promise<Partial<Step>> {
    const context = this.#context(args);
    const model = this.#imported?.make();
    if (model === undefined) throw new Error('initialize before setup');
    this.#model = model;
    await model.initialize?.(context);
    this.#runner = new BatchRunner({
      model,
      context,
      rules: new OutputRules(context.config, decoupled),
      decoupled,
      concurrentBatches: this.#setup?.concurrentBatches ?? 1,
      port: this.#port,
    });
    return { hasReadiness: typeof model.isReady === 'function' };
  }

  async #finalize(): Promise<void> {
    await this.#step('finalize', async () => {
      await this.#model?.finalize?.();
      return {};
    });
    this.#metrics.flush();
    this.#lines.end();
    this.#exit();
  }

  async #step(of: Step['of'], run: () => Promise<Partial<Step>>): Promise<void> {
    try {
      this.#port.post({ kind: 'done', of, error: null, ...(await run()) });
    } catch (thrown) {
      this.#port.post({ kind: 'done', of, error: errorText(thrown) });
    }
  }

  async #isReady(): Promise<void> {
    try {
      const ready = (await this.#model?.isReady?.()) ?? true;
      if (typeof ready !== 'boolean') throw new TypeError('isReady must return a boolean');
      this.#port.post({ kind: 'readiness', ready, error: null });
    } catch (thrown) {
      this.#port.post({ kind: 'readiness', ready: false, error: errorText(thrown) });
    }
  }

  #context(args: Readonly<Record<string, string>>): ModelContext {
    const config = JSON.parse(args['model_config'] ?? '{}') as CompletableConfig;
    const parameters = Object.entries(config.parameters ?? {}).map(
      ([name, { string_value }]) => [name, string_value] as const,
    );
    const lines = this.#lines;
    const calls = this.#calls;
    return {
      modelName: args['model_name'] ?? '',
      modelVersion: args['model_version'] ?? '',
      instanceName: args['model_instance_name'] ?? '',
      instanceKind: args['model_instance_kind'] ?? '',
      deviceId: Number(args['model_instance_device_id']),
      modelDirectory: args['model_repository'] ?? '',
      versionDirectory: this.#setup?.versionDirectory ?? '',
      config,
      parameters: Object.fromEntries(parameters),
      logger: {
        error: (message) => lines.log('ERROR', message),
        warning: (message) => lines.log('WARNING', message),
        info: (message) => lines.log('INFO', message),
        verbose: (message) => lines.log('VERBOSE', message),
      },
      metrics: this.#metrics,
      models: calls.control(),
      infer: (model, options) => calls.infer(model, options),
      stream: (model, options) => calls.stream(model, options),
    };
  }
}
