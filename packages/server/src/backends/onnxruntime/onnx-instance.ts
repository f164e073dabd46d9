import type { OnnxInput, OnnxSession, OnnxTensor } from '@nereid/native';
import { type ParameterValue, type Tensor, TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import type { OutputMemory } from '../../core/infer-request.ts';
import { onBatchCancelled } from '../batch/batch-cancellation.ts';
import type { BatchLayout } from '../batch/batch-layout.ts';
import { BatchMemory } from '../batch/batch-memory.ts';
import { GatheredBatch } from '../batch/gathered-batch.ts';
import { keepNextStates } from '../batch/next-states.ts';
import { onnxError } from './run-error.ts';
import type { RunPlacement } from './run-placement.ts';

/** What the instances of one model version share. */
export interface OnnxInstanceParts {
  readonly modelName: string;
  readonly modelVersion: string;
  /** Owned by the model; several instances run on it at once. */
  readonly session: OnnxSession;
  readonly layout: BatchLayout;
  readonly placement: RunPlacement;
  readonly runConfigEntries: Readonly<Record<string, string>> | null;
  readonly clock: Clock;
}

/** What a request gets: the outputs that it asked for, or why not. */
type Answer = readonly Tensor[] | TritonError;

/** One run at a time on the session of its model. */
export class OnnxInstance implements BackendInstance {
  readonly name: string;
  readonly #parts: OnnxInstanceParts;
  readonly #memory = new BatchMemory();
  /** Gives the answers of the run that ended last; null once they are given. */
  #unanswered: (() => void) | null = null;

  constructor(name: string, parts: OnnxInstanceParts) {
    this.name = name;
    this.#parts = parts;
  }

  execute(executions: readonly Execution[]): Promise<void> | null {
    const { clock, layout, placement, runConfigEntries } = this.#parts;
    const startNs = clock.nowNs();
    for (const execution of executions) execution.computeStartNs = startNs;
    let batch: GatheredBatch;
    try {
      batch = new GatheredBatch(executions, layout, this.#memory);
    } catch (error) {
      this.#answerLast();
      failAll(executions, onnxError(error));
      return null;
    }
    const inputs = batch.inputs.map((tensor): OnnxInput => ({ name: tensor.name, tensor }));
    const inputEndNs = clock.nowNs();
    for (const execution of executions) execution.computeInputEndNs = inputEndNs;
    if (placement.runsInline(batch.inputBytes) && runConfigEntries === null) {
      this.#answerLast();
      this.#runInline(executions, batch, inputs);
      return null;
    }
    const work = this.#runOnThread(executions, batch, inputs);
    this.#answerLast();
    return work;
  }

  #runInline(
    executions: readonly Execution[],
    batch: GatheredBatch,
    inputs: readonly OnnxInput[],
  ): void {
    const memory = outputMemoryOf(executions);
    try {
      const results = this.#parts.session.run(inputs, batch.outputNames, null, memory);
      this.#respondAll(executions, this.#finish(executions, batch, results, true));
    } catch (error) {
      failAll(executions, onnxError(error));
    }
  }

  /** Resolves before the answers are out, so that the next run begins while they are written. */
  async #runOnThread(
    executions: readonly Execution[],
    batch: GatheredBatch,
    inputs: readonly OnnxInput[],
  ): Promise<void> {
    const controller = new AbortController();
    const unwatch = onBatchCancelled(executions, () => controller.abort());
    try {
      const results = await this.#parts.session.runAsync(inputs, batch.outputNames, {
        signal: controller.signal,
        configEntries: this.#parts.runConfigEntries,
        outputMemory: outputMemoryOf(executions),
      });
      const answers = this.#finish(executions, batch, results, false);
      for (const execution of executions) execution.detached = true;
      this.#unanswered = () => this.#respondAll(executions, answers);
      // After the microtasks, among which the scheduler sends the next batch, if one waits.
      process.nextTick(() => this.#answerLast());
    } catch (error) {
      failAll(executions, onnxError(error));
    } finally {
      unwatch();
    }
  }

  /** Answers the batch that ran last, where that is still due: no answer overtakes those of an earlier batch. */
  #answerLast(): void {
    const answer = this.#unanswered;
    this.#unanswered = null;
    answer?.();
  }

  /** Parts the results among the requests, and fills in their times. */
  #finish(
    executions: readonly Execution[],
    batch: GatheredBatch,
    results: readonly OnnxTensor[],
    inline: boolean,
  ): readonly Answer[] {
    const { clock, placement } = this.#parts;
    const { computeInputEndNs } = executions[0] as Execution;
    const outputStartNs = clock.nowNs();
    placement.learn(batch.inputBytes, outputStartNs - computeInputEndNs, inline);
    const parts = batch.scatter(results);
    const failures =
      batch.stateNames.length === 0 ? null : keepNextStates(executions, batch, results);
    const endNs = clock.nowNs();
    for (const execution of executions) {
      execution.computeOutputStartNs = outputStartNs;
      execution.computeEndNs = endNs;
    }
    return failures === null ? parts : parts.map((part, index) => failures[index] ?? part);
  }

  #respondAll(executions: readonly Execution[], answers: readonly Answer[]): void {
    for (let i = 0; i < executions.length; i++) {
      this.#respond(executions[i] as Execution, answers[i] as Answer);
    }
  }

  #respond({ request, sink }: Execution, outputs: Answer): void {
    if (request.cancellation.cancelled) {
      sink.fail(cancelledError());
      return;
    }
    if (outputs instanceof TritonError) {
      sink.fail(outputs);
      return;
    }
    const { modelName, modelVersion } = this.#parts;
    sink.respond(
      { modelName, modelVersion, id: request.id, parameters: noParameters, outputs },
      true,
    );
  }
}

/** The outputs of a batch are parted among its requests: only a lone one's are written to their places. */
function outputMemoryOf(executions: readonly Execution[]): OutputMemory | null {
  return executions.length === 1 ? (executions[0]?.request.outputMemory ?? null) : null;
}

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/** Requests that were answered already take no second answer. */
function failAll(executions: readonly Execution[], error: TritonError): void {
  for (const { sink } of executions) sink.fail(error);
}

function cancelledError(): TritonError {
  return new TritonError('CANCELLED', 'the request was cancelled while it was executed');
}
