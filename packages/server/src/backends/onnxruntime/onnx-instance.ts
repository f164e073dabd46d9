import type { OnnxInput, OnnxSession, OnnxTensor } from '@nereid/native';
import type { ParameterValue, Tensor } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import { onnxError } from './run-error.ts';
import type { RunPlacement } from './run-placement.ts';

/** What the instances of one model version share. */
export interface OnnxInstanceParts {
  readonly modelName: string;
  readonly modelVersion: string;
  /** Owned by the model; several instances run on it at once. */
  readonly session: OnnxSession;
  readonly placement: RunPlacement;
  readonly runConfigEntries: Readonly<Record<string, string>> | null;
  readonly clock: Clock;
}

/** One run at a time on the session of its model. */
export class OnnxInstance implements BackendInstance {
  readonly name: string;
  readonly #parts: OnnxInstanceParts;

  constructor(name: string, parts: OnnxInstanceParts) {
    this.name = name;
    this.#parts = parts;
  }

  execute(batch: readonly Execution[]): Promise<void> | null {
    if (batch.length === 1) return this.#executeOne(batch[0] as Execution);
    return this.#executeAll(batch);
  }

  async #executeAll(batch: readonly Execution[]): Promise<void> {
    for (const execution of batch) await this.#executeOne(execution);
  }

  #executeOne(execution: Execution): Promise<void> | null {
    const { clock, placement, session, runConfigEntries } = this.#parts;
    execution.computeStartNs = clock.nowNs();
    const inputs: OnnxInput[] = [];
    let inputBytes = 0;
    for (const tensor of execution.request.inputs) {
      inputBytes += tensor.data.byteLength;
      inputs.push({ name: tensor.name, tensor });
    }
    execution.computeInputEndNs = clock.nowNs();
    if (!placement.runsInline(inputBytes) || runConfigEntries !== null) {
      return this.#runOnThread(execution, inputs, inputBytes);
    }
    let results: OnnxTensor[];
    try {
      results = session.run(inputs, execution.request.outputNames);
    } catch (error) {
      execution.sink.fail(onnxError(error));
      return null;
    }
    this.#answer(execution, results, inputBytes, true);
    return null;
  }

  async #runOnThread(
    execution: Execution,
    inputs: readonly OnnxInput[],
    inputBytes: number,
  ): Promise<void> {
    const { cancellation, outputNames } = execution.request;
    const controller = new AbortController();
    const cancel = (): void => controller.abort();
    cancellation.onCancel(cancel);
    try {
      const results = await this.#parts.session.runAsync(inputs, outputNames, {
        signal: controller.signal,
        configEntries: this.#parts.runConfigEntries,
      });
      this.#answer(execution, results, inputBytes, false);
    } catch (error) {
      execution.sink.fail(onnxError(error));
    } finally {
      cancellation.offCancel(cancel);
    }
  }

  #answer(
    execution: Execution,
    results: readonly OnnxTensor[],
    inputBytes: number,
    inline: boolean,
  ): void {
    const { clock, modelName, modelVersion, placement } = this.#parts;
    const { request } = execution;
    execution.computeOutputStartNs = clock.nowNs();
    placement.learn(
      inputBytes,
      execution.computeOutputStartNs - execution.computeInputEndNs,
      inline,
    );
    const outputs: Tensor[] = [];
    for (let i = 0; i < results.length; i++) {
      const { dataType, shape, data } = results[i] as OnnxTensor;
      outputs.push({ name: request.outputNames[i] as string, dataType, shape, data });
    }
    execution.computeEndNs = clock.nowNs();
    execution.sink.respond(
      { modelName, modelVersion, id: request.id, parameters: noParameters, outputs },
      true,
    );
  }
}

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();
