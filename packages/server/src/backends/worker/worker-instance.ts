import { TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { Logger } from '../../core/logger.ts';
import { noInputsError } from '../batch/no-inputs-error.ts';
import { type CallChains, chainKey } from './call-chains.ts';
import { type CallTexts, ModelCalls } from './model-calls.ts';
import { type NumberedRequest, OpenRequest, type OpenRequestParts } from './open-request.ts';
import { OpenRequests } from './open-requests.ts';
import { ReadinessCheck } from './readiness-check.ts';
import { type Batch, WorkerBatches } from './worker-batches.ts';
import type { WorkerLife, WorkerOwner } from './worker-life.ts';
import type { WorkerMessage } from './worker-message.ts';
import type { TensorReader } from './worker-tensors.ts';

/** A worker that died soon after its start is started again after this long, then twice as long, … */
const restartDelayMsMin = 100;
const restartDelayMsMax = 30_000;
/** A worker that lived this long is started again at once. */
const soundLifeMs = 60_000;

/** What is said of an instance, in the words of its backend. */
export interface InstanceTexts extends CallTexts {
  /** What the worker is called in the log: `Stub process`. */
  readonly worker: string;
  /** Of a request that finds no worker. */
  readonly unhealthy: (instanceName: string) => string;
  /** Of a request whose worker has died. */
  readonly died: (instanceName: string, reason: string) => string;
}

export interface WorkerInstanceParts {
  readonly name: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly decoupled: boolean;
  readonly batches: boolean;
  /** As of a `BackendInstance`: its workers run batches in their order, and may skip cancelled ones. */
  readonly executionsAhead: number;
  /** The model may give requests back, to be executed again. */
  readonly reschedules: boolean;
  /** A worker whose model is initialised, and that tells this instance what it says. */
  readonly startWorker: (owner: WorkerOwner) => Promise<WorkerLife>;
  /** What the model can ask the server for. */
  readonly port: InferencePort;
  readonly chains: CallChains;
  readonly texts: InstanceTexts;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * One instance of a model that runs in a worker: a process or a thread, and the requests that it has. When the worker dies
 * its requests fail, and another is started.
 */
export class WorkerInstance implements BackendInstance, WorkerOwner {
  readonly name: string;
  readonly executionsAhead: number;
  readonly #parts: WorkerInstanceParts;
  readonly #requestParts: OpenRequestParts;
  readonly #calls: ModelCalls;
  readonly #batches = new WorkerBatches();
  readonly #open = new OpenRequests();
  readonly #readiness: ReadinessCheck;
  #worker: WorkerLife | null = null;
  /** The worker that may call: also one that is not initialised yet. */
  #caller: WorkerLife | null = null;
  #workerSinceNs = 0;
  #starting: Promise<void> | null = null;
  #restartTimer: Timer | null = null;
  #restartDelayMs = 0;
  #stopped = false;
  #restartCount = 0;
  #nextBatch = 1;

  private constructor(parts: WorkerInstanceParts) {
    this.name = parts.name;
    this.executionsAhead = parts.executionsAhead;
    this.#parts = parts;
    const { modelName, modelVersion, decoupled } = parts;
    this.#requestParts = {
      modelName,
      modelVersion,
      decoupled,
      nowNs: () => parts.clock.nowNs(),
      settled: (request) => this.#settled(request),
      cancelled: ({ number }) => this.#worker?.send({ kind: 'cancel', request: number }),
    };
    this.#readiness = new ReadinessCheck({
      instanceName: parts.name,
      clock: parts.clock,
      ask: () => this.#worker?.send({ kind: 'is-ready' }),
    });
    this.#calls = new ModelCalls({
      port: parts.port,
      chains: parts.chains,
      callerChain: () => this.#callChain(),
      traceOf: (request) => this.#open.get(request)?.execution.request.trace ?? null,
      send: (message, tensors) => this.#caller?.send(message, tensors),
      texts: parts.texts,
      logger: parts.logger,
    });
  }

  /** @throws TritonError when the model cannot be imported or initialised. */
  static async start(parts: WorkerInstanceParts): Promise<WorkerInstance> {
    const instance = new WorkerInstance(parts);
    try {
      instance.#worker = await parts.startWorker(instance);
    } catch (error) {
      instance.#calls.abandon();
      throw error;
    }
    instance.#workerSinceNs = parts.clock.nowNs();
    return instance;
  }

  /** Workers that were started in place of one that died. */
  get restartCount(): number {
    return this.#restartCount;
  }

  /** Of its worker; null while there is none. */
  get pid(): number | null {
    return this.#worker?.pid ?? null;
  }

  execute(batch: readonly Execution[]): Promise<void> | null {
    if (this.#worker !== null) return this.#send(this.#worker, batch);
    return this.#sendWhenStarted(batch);
  }

  /** What keeps it from taking requests right now: its worker is being started again, or the model says so. */
  unreadiness(): TritonError | null | Promise<TritonError | null> {
    if (this.#worker === null) return this.#unhealthyError();
    return this.#worker.hasReadiness ? this.#readiness.check() : null;
  }

  attached(worker: WorkerLife): void {
    this.#caller = worker;
  }

  /** What the worker says. @throws Error where it says what cannot be. */
  received(message: WorkerMessage, tensors: TensorReader): void {
    if (message.kind === 'result') {
      this.#result(message, tensors);
    } else if (message.kind === 'send') {
      this.#sent(message, tensors);
    } else if (message.kind === 'dropped') {
      this.#open.get(message.request)?.fail(this.#droppedError());
    } else if (message.kind === 'readiness') {
      this.#readiness.answered(message.ready, message.error);
    } else if (message.kind === 'cancel-call') {
      this.#calls.cancel(message.call, message.awaited === true);
    } else if (message.kind === 'infer' || message.kind === 'load') {
      this.#calls.call(message, tensors);
    } else if (message.kind === 'unload' || message.kind === 'ready') {
      this.#calls.call(message, tensors);
    } else {
      throw new Error(`message '${message.kind}' is none of a running model`);
    }
  }

  /** The worker is gone: the requests that it worked on fail, and the next is on its way. */
  died(reason: string): void {
    const { texts, logger } = this.#parts;
    logger.error(`${texts.worker} '${this.name}' has ended: ${reason}`);
    this.#worker = null;
    this.#calls.abandon();
    this.#readiness.abandon();
    const { running, ahead } = this.#batches.takeAll();
    const again = ahead.map(({ requests, finished }) => ({
      executions: withdraw(requests),
      finished,
    }));
    const error = new TritonError('INTERNAL', texts.died(this.name, reason));
    for (const request of this.#open.all()) request.fail(error);
    running?.finished();
    if (!this.#stopped) {
      const livedMs = (this.#parts.clock.nowNs() - this.#workerSinceNs) / 1e6;
      if (livedMs > soundLifeMs) this.#restartDelayMs = 0;
      this.#scheduleRestart();
    }
    // As those that wait in the queue behind them.
    for (const { executions, finished } of again) {
      void this.#sendWhenStarted(executions).then(finished);
    }
  }

  /** Finalizes the model and ends its worker. No request is in it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#restartTimer?.cancel();
    await this.#starting;
    const worker = this.#worker;
    this.#worker = null;
    this.#calls.abandon();
    await worker?.finalize();
  }

  /** Ends the worker at once. */
  async kill(): Promise<void> {
    this.#stopped = true;
    this.#restartTimer?.cancel();
    const worker = this.#worker;
    this.#worker = null;
    this.#calls.abandon();
    await worker?.kill('the server stops');
  }

  /** The models that wait for what this instance has, and its own. */
  #callChain(): readonly string[] {
    const { modelName, modelVersion, chains } = this.#parts;
    let longest: readonly string[] = [];
    for (const { execution, begun } of this.#open.all()) {
      if (!begun) continue;
      const chain = chains.of(execution.request.cancellation);
      if (chain.length > longest.length) longest = chain;
    }
    return [...longest, chainKey(modelName, modelVersion)];
  }

  async #sendWhenStarted(batch: readonly Execution[]): Promise<void> {
    await this.#starting;
    if (this.#worker !== null) {
      await this.#send(this.#worker, batch);
      return;
    }
    for (const { sink } of batch) sink.fail(this.#unhealthyError());
  }

  /** @returns null where its results came at once */
  #send(worker: WorkerLife, batch: readonly Execution[]): Promise<void> | null {
    const requests: OpenRequest[] = [];
    const numbered: NumberedRequest[] = [];
    for (const execution of batch) {
      const number = this.#open.nextNumber();
      const open = new OpenRequest(number, execution, this.#requestParts);
      if (this.#parts.batches && execution.request.inputs.length === 0) {
        open.fail(noInputsError(execution.request));
      }
      if (open.settled) continue;
      this.#open.add(open);
      requests.push(open);
      numbered.push(this.#numbered(number, execution.request));
    }
    if (requests.length === 0) return null;
    const number = this.#nextBatch++;
    const added: Batch = { number, requests, finished: () => {} };
    const begun = this.#batches.add(added, this.#parts.clock.nowNs());
    worker.execute(number, numbered);
    if (begun) {
      const sentNs = this.#parts.clock.nowNs();
      for (const { execution } of requests) execution.computeInputEndNs = sentNs;
      worker.waitShortly(requests.length);
      if (this.#batches.get(number) === undefined) return null;
    }
    return new Promise((resolve) => {
      added.finished = resolve;
    });
  }

  #numbered(number: number, request: InferRequest): NumberedRequest {
    // A request that is executed again has the same tensors.
    const ownsInputs = !this.#parts.reschedules && request.parent?.ownsInputs !== false;
    return { number, request, ownsInputs };
  }

  /** An answer of a model that answers by itself. */
  #sent(message: Extract<WorkerMessage, { kind: 'send' }>, tensors: TensorReader): void {
    const request = this.#open.get(message.request);
    request?.answer(message.response, tensors, message.final);
    if (message.acknowledge !== true || request === undefined || request.settled) return;
    const acknowledge = (): void =>
      this.#worker?.send({ kind: 'acknowledge', request: message.request });
    const { parent } = request.execution.request;
    if (parent?.congested === true) parent.whenRelieved(acknowledge);
    else acknowledge();
  }

  #result(message: Extract<WorkerMessage, { kind: 'result' }>, tensors: TensorReader): void {
    const batch = this.#batches.get(message.batch);
    if (batch === undefined) throw new Error(`batch ${message.batch} is not known`);
    if (message.skipped !== true) this.#setEnd(batch, this.#parts.clock.nowNs());
    if (message.error !== null) {
      for (const request of batch.requests) request.fail(this.#executeError(message.error));
    } else {
      tensors.sharedBy?.(batch.requests.length);
      batch.requests.forEach((request, index) => {
        const response = message.responses[index] ?? null;
        if (response === null) return;
        if ('reschedule' in response) request.reschedule();
        else request.answer(response, tensors, true);
      });
    }
    for (const { execution, settled } of batch.requests) {
      if (!settled) execution.detached = true;
    }
    this.#batches.end(batch, this.#parts.clock.nowNs());
    batch.finished();
  }

  /** Two looks at the clock: protobuf leaves a time of nothing out, and clients miss it then. */
  #setEnd({ requests }: Batch, outputNs: number): void {
    for (const { execution } of requests) execution.computeOutputStartNs = outputNs;
    const endNs = this.#parts.clock.nowNs();
    for (const { execution } of requests) execution.computeEndNs = endNs;
  }

  #settled(request: OpenRequest): void {
    this.#open.delete(request.number);
  }

  #scheduleRestart(): void {
    const delayMs = this.#restartDelayMs;
    this.#restartDelayMs = Math.min(restartDelayMsMax, Math.max(restartDelayMsMin, delayMs * 2));
    if (delayMs === 0) this.#restart();
    else this.#restartTimer = this.#parts.clock.setTimer(delayMs, () => this.#restart());
  }

  #restart(): void {
    this.#restartTimer = null;
    this.#starting = this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    const { startWorker, texts, clock, logger } = this.#parts;
    try {
      const worker = await startWorker(this);
      if (this.#stopped) {
        await worker.kill('the model is unloaded');
        return;
      }
      this.#worker = worker;
      this.#workerSinceNs = clock.nowNs();
      this.#restartCount++;
      logger.info(`${texts.worker} '${this.name}' has been restarted`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      logger.error(`${texts.worker} '${this.name}' could not be restarted: ${text}`);
      if (!this.#stopped) this.#scheduleRestart();
    }
  }

  #unhealthyError(): TritonError {
    return new TritonError('INTERNAL', this.#parts.texts.unhealthy(this.name));
  }

  #executeError(text: string): TritonError {
    return new TritonError(
      'INTERNAL',
      `Failed to process the request(s) for model '${this.name}', message: ${text}`,
    );
  }

  #droppedError(): TritonError {
    return new TritonError(
      'INTERNAL',
      `Failed to process the request(s) for model '${this.name}', message: the model let go of a response sender without a final response.`,
    );
  }
}

/** Takes back what a worker did not begin. @returns those that are not answered. */
function withdraw(requests: readonly OpenRequest[]): readonly Execution[] {
  const left = requests.filter(({ settled }) => !settled);
  for (const request of left) request.withdraw();
  return left.map(({ execution }) => execution);
}
