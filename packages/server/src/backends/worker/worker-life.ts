import { TritonError } from '@nereid/protocol';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import type { NumberedRequest } from './open-request.ts';
import type { LifeStep, WorkerMessage } from './worker-message.ts';
import { isMetricMessage, WorkerMetrics } from './worker-metrics.ts';
import type { TensorReader } from './worker-tensors.ts';

/** What a model is initialised with: every value is text, as in Triton. */
export type InitializeArguments = Readonly<Record<string, string>>;

type StepEnd = Extract<WorkerMessage, { kind: 'done' }>;

/** What a worker's owner hears while the model runs. */
export interface WorkerOwner {
  /** Said before the model is made: it may call from then on. */
  readonly attached: (worker: WorkerLife) => void;
  readonly received: (message: WorkerMessage, tensors: TensorReader) => void;
  /** The worker is gone though nobody asked for it. */
  readonly died: (reason: string) => void;
}

/** A process or a thread, and the way to it. */
export interface WorkerChannel {
  /** Of the process; null for what is none, or is not there. */
  readonly pid: number | null;
  /** Resolves when it is gone. */
  readonly ended: Promise<void>;
  /** What it last said of its own failure; '' for nothing. */
  readonly lastErrorLine: string;
  send(message: object, tensors?: readonly Uint8Array[]): void;
  execute(batch: number, requests: readonly NumberedRequest[]): void;
  /** After a batch was given: may block for microseconds, and hand the answer out, where it comes that soon. */
  waitShortly?(requestCount: number): void;
  /** Ends it at once. Safe to call at any time. */
  kill(reason: string): void;
}

/** What a channel tells. */
export interface ChannelListener {
  /** What it throws ends the worker, as a fault of its. */
  readonly received: (message: WorkerMessage, tensors: TensorReader) => void;
  /** Called once, when it is gone; nothing is received after that. */
  readonly ended: (reason: string) => void;
}

export interface WorkerLifeOptions {
  readonly instanceName: string;
  readonly open: (listener: ChannelListener) => WorkerChannel;
  /** For `finalize`, and for the end after it. */
  readonly endTimeoutMs: number;
  /** For `auto-complete` and `initialize`. */
  readonly initializeTimeoutMs: number;
  readonly texts: LifeTexts;
  /** Where the metrics that the model makes are published. */
  readonly metrics: CustomMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is said of a life that goes wrong, in the words of the backend. */
export interface LifeTexts {
  readonly late: (step: string, instanceName: string, timeoutSecs: number) => string;
  readonly gone: (instanceName: string, cause: string) => string;
}

/** A step that the worker was asked for, and is not through with. */
interface PendingStep {
  readonly step: LifeStep | 'hello';
  readonly done: (end: StepEnd | null) => void;
  readonly failed: (error: TritonError) => void;
}

/** A worker through its life: start, import of the model, initialize, …, finalize. One step at a time. */
export class WorkerLife {
  readonly #options: WorkerLifeOptions;
  readonly #channel: WorkerChannel;
  readonly #metrics: WorkerMetrics;
  #pending: PendingStep | null = null;
  #owner: WorkerOwner | null = null;
  #hello: Extract<WorkerMessage, { kind: 'hello' }> | null = null;
  #ending = false;
  #hasReadiness = false;
  /** Why the worker is gone; null while it is there. */
  #goneFor: string | null = null;

  constructor(options: WorkerLifeOptions) {
    this.#options = options;
    this.#metrics = new WorkerMetrics(options.metrics, (message) => this.#channel.send(message));
    this.#channel = options.open({
      received: (message, tensors) => this.#received(message, tensors),
      ended: (reason) => this.#ended(reason),
    });
  }

  /** Of its process; null while there is none. */
  get pid(): number | null {
    return this.#channel.pid;
  }

  /** The model says by itself, by `is_ready`, whether it would take requests. */
  get hasReadiness(): boolean {
    return this.#hasReadiness;
  }

  /** Waits for the worker's first word. @throws TritonError INTERNAL */
  async greeted(timeoutMs: number): Promise<Extract<WorkerMessage, { kind: 'hello' }>> {
    if (this.#hello === null) await this.#step('hello', null, timeoutMs);
    if (this.#hello === null) throw new Error('a greeting without a greeting');
    return this.#hello;
  }

  /** Has it import the model. @throws TritonError INTERNAL with the model's own error. */
  async setUp(setup: object): Promise<void> {
    await this.#step('setup', { kind: 'setup', ...setup }, this.#options.initializeTimeoutMs);
  }

  /**
   * Has the model fill the configuration in.
   * @returns the configuration as JSON; null when the model has no such function
   */
  async completeConfig(config: string): Promise<string | null> {
    const message = { kind: 'auto-complete', config };
    const end = await this.#step('auto-complete', message, this.#options.initializeTimeoutMs);
    const completed = end?.config ?? null;
    return completed === null ? null : JSON.stringify(completed);
  }

  /** Makes the model. From here on the owner gets what it says. @throws TritonError INTERNAL */
  async initialize(
    args: InitializeArguments,
    decoupled: boolean,
    owner: WorkerOwner,
  ): Promise<void> {
    this.#owner = owner;
    owner.attached(this);
    const message = { kind: 'initialize', arguments: args, decoupled };
    const end = await this.#step('initialize', message, this.#options.initializeTimeoutMs);
    this.#hasReadiness = end?.hasReadiness === true;
  }

  send(message: object, tensors: readonly Uint8Array[] = []): void {
    this.#channel.send(message, tensors);
  }

  execute(batch: number, requests: readonly NumberedRequest[]): void {
    this.#channel.execute(batch, requests);
  }

  /** @see WorkerChannel.waitShortly */
  waitShortly(requestCount: number): void {
    this.#channel.waitShortly?.(requestCount);
  }

  /** Has the model finalize, and the worker end. Never longer than twice the time for its end. */
  async finalize(): Promise<void> {
    this.#ending = true;
    const { logger, instanceName, clock, endTimeoutMs } = this.#options;
    try {
      const end = await this.#step('finalize', { kind: 'finalize' }, endTimeoutMs);
      if (end !== null && end.error !== null) logger.warning(`[${instanceName}] ${end.error}`);
    } catch (error) {
      logger.warning(`[${instanceName}] did not finalize: ${(error as Error).message}`);
      await this.kill('it did not finalize');
      return;
    }
    const timer = clock.setTimer(endTimeoutMs, () => {
      logger.warning(`[${instanceName}] did not end after finalize: it is killed`);
      void this.kill('it did not end');
    });
    await this.#channel.ended;
    timer.cancel();
  }

  /** Ends the worker at once. */
  async kill(reason: string): Promise<void> {
    this.#ending = true;
    this.#channel.kill(reason);
    await this.#channel.ended;
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
      if (message !== null) this.#channel.send(message);
    });
  }

  #late(step: LifeStep | 'hello', timeoutMs: number): TritonError {
    const { texts, instanceName } = this.#options;
    const what = step === 'hello' ? 'start' : step;
    return new TritonError('INTERNAL', texts.late(what, instanceName, timeoutMs / 1000));
  }

  #received(message: WorkerMessage, tensors: TensorReader): void {
    if (message.kind === 'log') {
      this.#log(message.level, message.message);
    } else if (message.kind === 'hello') {
      this.#hello = message;
      if (this.#pending?.step === 'hello') this.#pending.done(null);
    } else if (message.kind === 'done') {
      if (this.#pending?.step === message.of) this.#pending.done(message);
    } else if (isMetricMessage(message)) {
      this.#metrics.received(message);
    } else {
      this.#owner?.received(message, tensors);
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
    const said = this.#channel.lastErrorLine;
    const cause = said === '' ? reason : `${reason}: ${said}`;
    const { texts, instanceName } = this.#options;
    return new TritonError('INTERNAL', texts.gone(instanceName, cause));
  }
}
