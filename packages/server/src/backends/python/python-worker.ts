import { TritonError } from '@nereid/protocol';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import type { PythonEnvironment } from './environment/python-environment.ts';
import type { PythonSettings } from './python-settings.ts';
import type { LifeStep, WorkerMessage } from './worker-message.ts';
import { isMetricMessage, WorkerMetrics } from './worker-metrics.ts';
import { WorkerProcess } from './worker-process.ts';

export interface PythonWorkerOptions {
  readonly instanceName: string;
  readonly modelName: string;
  /** Absolute. */
  readonly versionDirectory: string;
  readonly fileName: string;
  /** Absolute; where the file is, unless it is the model's own: null. */
  readonly runtimeDirectory: string | null;
  readonly script: string;
  readonly environment: PythonEnvironment;
  readonly settings: Pick<PythonSettings, 'stubTimeoutMs' | 'initializeTimeoutMs'>;
  /** Where the metrics that the model makes are published. */
  readonly metrics: CustomMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What `initialize` is given: every value is text, as in Triton. */
export type InitializeArguments = Readonly<Record<string, string>>;

type StepEnd = Extract<WorkerMessage, { kind: 'done' }>;

/** What a worker's owner hears while the model runs. */
export interface PythonWorkerOwner {
  readonly received: (message: WorkerMessage, payload: Uint8Array) => void;
  /** The process is gone though nobody asked for it. */
  readonly died: (reason: string) => void;
}

/** A step that the worker was asked for, and is not through with. */
interface PendingStep {
  readonly step: LifeStep | 'hello';
  readonly done: (end: StepEnd | null) => void;
  readonly failed: (error: TritonError) => void;
}

/** A worker process through its life: start, import of the model, initialize, …, finalize. One step at a time. */
export class PythonWorker {
  readonly #options: PythonWorkerOptions;
  readonly #process: WorkerProcess;
  readonly #metrics: WorkerMetrics;
  #pending: PendingStep | null = null;
  #owner: PythonWorkerOwner | null = null;
  #regionPaths: readonly string[] = [];
  #ending = false;
  #hasReadiness = false;
  /** Why the process is gone; null while it is there. */
  #goneFor: string | null = null;

  private constructor(options: PythonWorkerOptions) {
    this.#options = options;
    const { environment } = options;
    this.#metrics = new WorkerMetrics(options.metrics, (text) => this.#process.send(text));
    this.#process = new WorkerProcess({
      python: environment.python,
      script: options.script,
      environment: environment.variables,
      label: options.instanceName,
      clock: options.clock,
      logger: options.logger,
      received: (message, payload) => this.#received(message, payload),
      ended: (reason) => this.#ended(reason),
    });
  }

  /**
   * Starts a process and has it import the model.
   * @throws TritonError INTERNAL with the model's own error, or with what kept the process from starting.
   */
  static async start(options: PythonWorkerOptions): Promise<PythonWorker> {
    const worker = new PythonWorker(options);
    try {
      const { stubTimeoutMs, initializeTimeoutMs } = options.settings;
      await worker.#step('hello', null, stubTimeoutMs);
      const { modelName, instanceName, versionDirectory, fileName, runtimeDirectory } = options;
      const regions = worker.#process.shareMemory(worker.#regionPaths);
      const setup = {
        kind: 'setup',
        modelName,
        instanceName,
        versionDirectory,
        fileName,
        runtimeDirectory,
        regions,
      };
      await worker.#step('setup', setup, initializeTimeoutMs);
      return worker;
    } catch (error) {
      await worker.kill('it did not start');
      throw error;
    }
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  /** The model says by itself, by `is_ready`, whether it would take requests. */
  get hasReadiness(): boolean {
    return this.#hasReadiness;
  }

  /**
   * Has `auto_complete_config` fill the configuration in.
   * @returns the configuration as JSON; null when the model has no such function
   */
  async completeConfig(config: string): Promise<string | null> {
    const message = { kind: 'auto-complete', config };
    const end = await this.#step('auto-complete', message, this.#initializeTimeoutMs);
    const completed = end?.config ?? null;
    return completed === null ? null : JSON.stringify(completed);
  }

  /** Makes the model. From here on the owner gets what it says. @throws TritonError INTERNAL */
  async initialize(
    args: InitializeArguments,
    decoupled: boolean,
    owner: PythonWorkerOwner,
  ): Promise<void> {
    this.#owner = owner;
    const message = { kind: 'initialize', arguments: args, decoupled };
    const end = await this.#step('initialize', message, this.#initializeTimeoutMs);
    this.#hasReadiness = end?.hasReadiness === true;
  }

  send(text: string, tensors: readonly Uint8Array[] = []): void {
    this.#process.send(text, tensors);
  }

  /** Has the model finalize, and the process end. Never longer than twice the stub timeout. */
  async finalize(): Promise<void> {
    this.#ending = true;
    const { stubTimeoutMs } = this.#options.settings;
    const { logger, instanceName, clock } = this.#options;
    try {
      const end = await this.#step('finalize', { kind: 'finalize' }, stubTimeoutMs);
      if (end !== null && end.error !== null) logger.warning(`[${instanceName}] ${end.error}`);
    } catch (error) {
      logger.warning(`[${instanceName}] did not finalize: ${(error as Error).message}`);
      await this.kill('it did not finalize');
      return;
    }
    const timer = clock.setTimer(stubTimeoutMs, () => {
      logger.warning(`[${instanceName}] did not end after finalize: it is killed`);
      void this.kill('it did not end');
    });
    await this.#process.ended;
    timer.cancel();
  }

  /** Ends the process at once. */
  async kill(reason: string): Promise<void> {
    this.#ending = true;
    this.#process.kill(reason);
    await this.#process.ended;
  }

  get #initializeTimeoutMs(): number {
    return this.#options.settings.initializeTimeoutMs;
  }

  #step(
    step: LifeStep | 'hello',
    message: object | null,
    timeoutMs: number,
  ): Promise<StepEnd | null> {
    if (this.#goneFor !== null) return Promise.reject(this.#gone(this.#goneFor));
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const settle = (): void => {
        timer?.cancel();
        this.#pending = null;
      };
      this.#pending = {
        step,
        done: (end) => {
          settle();
          if (end !== null && end.error !== null && step !== 'finalize') {
            reject(new TritonError('INTERNAL', end.error));
          } else {
            resolve(end);
          }
        },
        failed: (error) => {
          settle();
          reject(error);
        },
      };
      timer = this.#options.clock.setTimer(timeoutMs, () =>
        this.#pending?.failed(this.#late(step, timeoutMs)),
      );
      if (message !== null) this.#process.send(JSON.stringify(message));
    });
  }

  #late(step: LifeStep | 'hello', timeoutMs: number): TritonError {
    const { instanceName } = this.#options;
    const what = step === 'hello' ? 'start' : step;
    return new TritonError(
      'INTERNAL',
      `Timed out occurred while waiting for the stub process. Failed to ${what} model instance ${instanceName} within ${timeoutMs / 1000} seconds.`,
    );
  }

  #received(message: WorkerMessage, payload: Uint8Array): void {
    if (message.kind === 'log') {
      this.#log(message.level, message.message);
    } else if (message.kind === 'hello') {
      this.#regionPaths = message.regions;
      if (this.#pending?.step === 'hello') this.#pending.done(null);
    } else if (message.kind === 'done') {
      if (this.#pending?.step === message.of) this.#pending.done(message);
    } else if (isMetricMessage(message)) {
      this.#metrics.received(message);
    } else {
      this.#owner?.received(message, payload);
    }
  }

  #log(level: string, message: string): void {
    const { logger, instanceName } = this.#options;
    const text = `[${instanceName}] ${message}`;
    if (level === 'ERROR') logger.error(text);
    else if (level === 'WARNING') logger.warning(text);
    else if (level === 'VERBOSE') logger.verbose(1, text);
    else logger.info(text);
  }

  #ended(reason: string): void {
    this.#goneFor = reason;
    this.#metrics.close();
    const pending = this.#pending;
    if (pending !== null) pending.failed(this.#gone(reason));
    if (!this.#ending) this.#owner?.died(reason);
  }

  #gone(reason: string): TritonError {
    const { instanceName, environment } = this.#options;
    const said = this.#process.lastErrorLine;
    const cause = said === '' ? reason : `${reason}: ${said}`;
    return new TritonError(
      'INTERNAL',
      `Failed to initialize stub, stub process exited unexpectedly: ${instanceName} (${environment.python}, ${cause})`,
    );
  }
}
