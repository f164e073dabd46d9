import { type InferRequestMessage, TritonError } from '@nereid/protocol';
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock } from '../core/clock.ts';
import type { InferRequest, OutputMemory, RequestTimes } from '../core/infer-request.ts';
import type { ResponseSink } from '../core/infer-response.ts';
import type { Logger } from '../core/logger.ts';
import type { ParentRequest } from '../core/parent-request.ts';
import type { Trace } from '../core/trace.ts';
import type { ModelRegistry, ServedModel } from '../lifecycle/served-model.ts';
import type { AccessLog } from './access-log.ts';
import { bytesOverrun } from './bytes-content.ts';
import { recordingFirstResponse } from './first-response.ts';
import { type PreparedInputs, prepareBatchOfNone, prepareInputs } from './prepare-inputs.ts';
import { rawInputName, rawInputTensor } from './raw-input.ts';
import { explainRefusal } from './request-refusal.ts';
import { deriveRequestRules, type RequestRules } from './request-rules.ts';
import { ResponsePath } from './response-path.ts';
import { refuseLongSequenceId, sequenceIdRefusal } from './sequence-id.ts';

export interface DataPlaneOptions {
  readonly registry: ModelRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Null or left out writes nothing about requests. */
  readonly accessLog?: AccessLog | null;
}

/** Inference, the same for every front end: finds the model, validates, schedules, hands the answer on. */
export class DataPlane {
  readonly #registry: ModelRegistry;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #accessLog: AccessLog | null;
  readonly #rules = new WeakMap<ServedModel, RequestRules>();

  constructor(options: DataPlaneOptions) {
    this.#registry = options.registry;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#accessLog = options.accessLog ?? null;
  }

  /**
   * The version to serve `name` with.
   * @param version null for the highest that is ready.
   * @throws TritonError NOT_FOUND or UNAVAILABLE with Triton's look-up texts.
   */
  model(name: string, version: number | null): ServedModel {
    try {
      return this.#registry.find(name, version);
    } catch (failure) {
      this.#accessLog?.refused(name, version, '', failure);
      throw failure;
    }
  }

  /**
   * Takes a request up. The model stays loaded until its final answer is out.
   *
   * @param trace Of this request, not started yet.
   * @param outputMemory Where the client wants outputs.
   * @param parent The request that this one is a step of.
   * @throws TritonError for a request that is refused: nothing was said on the sink, and no
   *   statistics count it, as in Triton. Once this returns, the sink is answered exactly once, or
   *   streamed to until final; that may already have happened.
   */
  infer(
    model: ServedModel,
    message: InferRequestMessage,
    cancellation: Cancellation,
    sink: ResponseSink,
    trace: Trace | null = null,
    outputMemory: OutputMemory | null = null,
    parent: ParentRequest | null = null,
  ): void {
    const startNs = this.#clock.nowNs();
    const accessLog = this.#accessLog;
    const times: RequestTimes | null = accessLog === null ? null : { queueNs: 0, computeNs: 0 };
    const watched =
      accessLog === null || times === null
        ? sink
        : accessLog.watch(sink, model.key, message.id, startNs, times);
    try {
      refuseLongSequenceId(message);
      const rules = this.#rulesOf(model);
      const outputNames = requestedOutputNames(rules, message);
      const prepared = prepare(rules, message, outputNames);
      if (typeof prepared === 'string') {
        model.statistics.recordFailure('BACKEND', this.#clock.nowNs() - startNs);
        watched.fail(new TritonError('INVALID_ARG', prepared));
        return;
      }
      const request: InferRequest = {
        id: message.id,
        parameters: message.parameters,
        inputs: prepared.inputs,
        outputNames: outputNames ?? rules.outputNames,
        batchSize: prepared.batchSize,
        cancellation,
        startNs,
        trace,
        outputMemory,
        times,
        parent,
      };
      this.#schedule(model, rules, request, watched);
    } catch (failure) {
      accessLog?.refused(model.key.name, model.key.version, message.id, failure);
      throw failure;
    }
  }

  /** @throws TritonError for a request that the scheduler refuses. */
  #schedule(
    model: ServedModel,
    rules: RequestRules,
    request: InferRequest,
    sink: ResponseSink,
  ): void {
    model.retain();
    const { trace = null, startNs } = request;
    if (trace !== null) startTrace(trace, model, request, this.#clock);
    const { latencies } = model.statistics;
    const recording = recordingFirstResponse(sink, latencies, startNs, this.#clock);
    const path = new ResponsePath(model, rules, request, recording, this.#clock, this.#logger);
    try {
      model.scheduler.enqueue(request, path);
    } catch (refusal) {
      path.abandon();
      throw refusal;
    }
  }

  #rulesOf(model: ServedModel): RequestRules {
    let rules = this.#rules.get(model);
    if (rules === undefined) {
      rules = deriveRequestRules(model);
      this.#rules.set(model, rules);
    }
    return rules;
  }
}

/** Every request waits for its scheduler, if only for a moment: the two times are those of Triton's schedulers. */
function startTrace(
  trace: Trace,
  { key }: ServedModel,
  { id, inputs, startNs }: InferRequest,
  clock: Clock,
): void {
  trace.start({ modelName: key.name, modelVersion: key.version, id }, startNs);
  trace.report('QUEUE_START', clock.nowNs());
  trace.reportTensors('TENSOR_QUEUE_INPUT', inputs);
}

/** @throws TritonError for a request that Triton's core refuses. @returns A text where a backend would fail it. */
function prepare(
  rules: RequestRules,
  message: InferRequestMessage,
  outputNames: readonly string[] | null,
): PreparedInputs | string {
  const inputs =
    message.rawInput === null
      ? message.inputs
      : [rawInputTensor(rules, message.rawInput, message.id)];
  if (outputNames !== null) {
    const prepared = prepareInputs(rules, inputs);
    if (prepared !== null && sequenceIdRefusal(rules, message) === null) return prepared;
  }
  const nameInTexts = message.rawInput === null ? null : rawInputName;
  const refusal = explainRefusal(rules, message, inputs, nameInTexts);
  if (refusal !== null) throw new TritonError('INVALID_ARG', refusal);
  for (const { name, dataType, data } of inputs) {
    const overrun = dataType === 'BYTES' ? bytesOverrun(data, name) : null;
    if (overrun !== null) return overrun;
  }
  return prepareBatchOfNone(rules, inputs);
}

/**
 * Names of the outputs that the request asks for, sorted as Triton sorts them.
 * @returns null where it names one twice or one that there is not.
 */
function requestedOutputNames(
  rules: RequestRules,
  message: InferRequestMessage,
): readonly string[] | null {
  const { outputs } = message;
  if (outputs.length === 0) return rules.outputNames;
  if (outputs.length > rules.outputNames.length) return null;
  const orders: number[] = [];
  let sorted = true;
  for (const { name } of outputs) {
    const order = rules.outputByName.get(name)?.order;
    if (order === undefined) return null;
    if (orders.length > 0 && order <= (orders.at(-1) as number)) sorted = false;
    orders.push(order);
  }
  if (sorted && orders.length === rules.outputNames.length) return rules.outputNames;
  if (!sorted) {
    orders.sort((a, b) => a - b);
    if (orders.some((order, index) => order === orders[index + 1])) return null;
  }
  return orders.map((order) => rules.outputNames[order] as string);
}
