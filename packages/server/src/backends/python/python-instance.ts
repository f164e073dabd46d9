import { TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { Logger } from '../../core/logger.ts';
import { noInputsError } from '../batch/no-inputs-error.ts';
import { type CallChains, chainKey } from './call-chains.ts';
import { ModelCalls } from './model-calls.ts';
import { OpenRequest, type OpenRequestParts } from './open-request.ts';
import type { PythonWorker } from './python-worker.ts';
import { ReadinessCheck } from './readiness-check.ts';
import { executeText } from './request-text.ts';
import type { WorkerMessage } from './worker-message.ts';
import { TensorReader } from './worker-tensors.ts';

/** A worker that died soon after its start is started again after this long, then twice as long, … */
const restartDelayMsMin = 100;
const restartDelayMsMax = 30_000;
/** A worker that lived this long is started again at once. */
const soundLifeMs = 60_000;

export interface PythonInstanceParts {
  readonly name: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly decoupled: boolean;
  readonly batches: boolean;
  /** A worker whose model is initialised, and that tells this instance what it says. */
  readonly startWorker: (instance: PythonInstance) => Promise<PythonWorker>;
  /** What the model can ask the server for. */
  readonly port: InferencePort;
  readonly chains: CallChains;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Requests that the worker executes together. */
interface Batch {
  readonly requests: readonly OpenRequest[];
  /** The instance is free: `execute` has returned, or the worker is gone. */
  readonly finished: () => void;
}

/**
 * One instance of a Python model: a worker process, and the requests that it has. When the worker dies
 * its requests fail, and another is started.
 */
export class PythonInstance implements BackendInstance {
  readonly name: string;
  readonly #parts: PythonInstanceParts;
  readonly #requestParts: OpenRequestParts;
  readonly #calls: ModelCalls;
  readonly #batches = new Map<number, Batch>();
  readonly #open = new Map<number, OpenRequest>();
  readonly #readiness: ReadinessCheck;
  #worker: PythonWorker | null = null;
  #workerSinceNs = 0;
  #starting: Promise<void> | null = null;
  #restartTimer: Timer | null = null;
  #restartDelayMs = 0;
  #stopped = false;
  #restartCount = 0;
  #nextNumber = 1;

  private constructor(parts: PythonInstanceParts) {
    this.name = parts.name;
    this.#parts = parts;
    const { modelName, modelVersion, decoupled } = parts;
    this.#requestParts = {
      modelName,
      modelVersion,
      decoupled,
      nowNs: () => parts.clock.nowNs(),
      settled: (request) => this.#settled(request),
      cancelled: ({ number }) => this.#worker?.send(`{"kind":"cancel","request":${number}}`),
    };
    this.#readiness = new ReadinessCheck({
      instanceName: parts.name,
      clock: parts.clock,
      ask: () => this.#worker?.send('{"kind":"is-ready"}'),
    });
    this.#calls = new ModelCalls({
      port: parts.port,
      chains: parts.chains,
      callerChain: () => this.#callChain(),
      traceOf: (request) => this.#open.get(request)?.execution.request.trace ?? null,
      send: (text, tensors) => this.#worker?.send(text, tensors),
      logger: parts.logger,
    });
  }

  /** @throws TritonError when the model cannot be imported or initialised. */
  static async start(parts: PythonInstanceParts): Promise<PythonInstance> {
    const instance = new PythonInstance(parts);
    instance.#worker = await parts.startWorker(instance);
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
    const startNs = this.#parts.clock.nowNs();
    for (const execution of batch) execution.computeStartNs = startNs;
    if (this.#worker !== null) return this.#send(this.#worker, batch);
    return this.#sendWhenStarted(batch);
  }

  /** What keeps it from taking requests right now: its worker is being started again, or the model says so. */
  unreadiness(): TritonError | null | Promise<TritonError | null> {
    if (this.#worker === null) return this.#unhealthyError();
    return this.#worker.hasReadiness ? this.#readiness.check() : null;
  }

  /** What the worker says. @throws Error where it says what cannot be. */
  received(message: WorkerMessage, payload: Uint8Array): void {
    if (message.kind === 'result') {
      this.#result(message, payload);
    } else if (message.kind === 'send') {
      const request = this.#open.get(message.request);
      request?.answer(message.response, new TensorReader(payload), message.final);
    } else if (message.kind === 'dropped') {
      this.#open.get(message.request)?.fail(this.#droppedError());
    } else if (message.kind === 'readiness') {
      this.#readiness.answered(message.ready, message.error);
    } else if (message.kind === 'cancel-call') {
      this.#calls.cancel(message.call);
    } else if (message.kind === 'infer' || message.kind === 'load') {
      this.#calls.call(message, payload);
    } else if (message.kind === 'unload' || message.kind === 'ready') {
      this.#calls.call(message, payload);
    } else {
      throw new Error(`message '${message.kind}' is none of a running model`);
    }
  }

  /** The worker is gone: its requests fail, and the next is on its way. */
  died(reason: string): void {
    this.#parts.logger.error(`Stub process '${this.name}' has ended: ${reason}`);
    this.#worker = null;
    this.#calls.abandon();
    this.#readiness.abandon();
    const requests = [...this.#open.values()];
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    for (const request of requests) request.fail(this.#unhealthyError());
    for (const batch of batches) batch.finished();
    if (this.#stopped) return;
    const livedMs = (this.#parts.clock.nowNs() - this.#workerSinceNs) / 1e6;
    if (livedMs > soundLifeMs) this.#restartDelayMs = 0;
    this.#scheduleRestart();
  }

  /** Finalizes the model and ends its process. No request is in the worker. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#restartTimer?.cancel();
    await this.#starting;
    const worker = this.#worker;
    this.#worker = null;
    this.#calls.abandon();
    await worker?.finalize();
  }

  /** Ends the process at once. */
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
    for (const { execution } of this.#open.values()) {
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

  #send(worker: PythonWorker, batch: readonly Execution[]): Promise<void> {
    return new Promise((resolve) => {
      const requests: OpenRequest[] = [];
      const tensors: Uint8Array[] = [];
      const numbered: { number: number; request: Execution['request'] }[] = [];
      for (const execution of batch) {
        const number = this.#nextNumber++;
        const open = new OpenRequest(number, execution, this.#requestParts);
        if (this.#parts.batches && execution.request.inputs.length === 0) {
          open.fail(noInputsError(execution.request));
        }
        if (open.settled) continue;
        this.#open.set(number, open);
        requests.push(open);
        numbered.push({ number, request: execution.request });
        for (const { data } of execution.request.inputs) tensors.push(data);
      }
      if (requests.length === 0) {
        resolve();
        return;
      }
      const number = this.#nextNumber++;
      this.#batches.set(number, { requests, finished: resolve });
      worker.send(executeText(number, numbered), tensors);
      const sentNs = this.#parts.clock.nowNs();
      for (const execution of batch) execution.computeInputEndNs = sentNs;
    });
  }

  #result(message: Extract<WorkerMessage, { kind: 'result' }>, payload: Uint8Array): void {
    const batch = this.#batches.get(message.batch);
    if (batch === undefined) throw new Error(`batch ${message.batch} is not known`);
    const outputNs = this.#parts.clock.nowNs();
    for (const { execution } of batch.requests) execution.computeOutputStartNs = outputNs;
    if (message.error !== null) {
      this.#setEnd(batch);
      for (const request of batch.requests) request.fail(this.#executeError(message.error));
    } else {
      this.#setEnd(batch);
      const tensors = new TensorReader(payload);
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
    this.#batches.delete(message.batch);
    batch.finished();
  }

  #setEnd(batch: Batch): void {
    const endNs = this.#parts.clock.nowNs();
    for (const { execution } of batch.requests) execution.computeEndNs = endNs;
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
    const { startWorker, clock, logger } = this.#parts;
    try {
      const worker = await startWorker(this);
      if (this.#stopped) {
        await worker.kill('the model is unloaded');
        return;
      }
      this.#worker = worker;
      this.#workerSinceNs = clock.nowNs();
      this.#restartCount++;
      logger.info(`Stub process '${this.name}' has been restarted`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      logger.error(`Stub process '${this.name}' could not be restarted: ${text}`);
      if (!this.#stopped) this.#scheduleRestart();
    }
  }

  #unhealthyError(): TritonError {
    return new TritonError('INTERNAL', `Stub process '${this.name}' is not healthy.`);
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
