import { type ModelConfig, type Tensor, TritonError } from '@nereid/protocol';
import type { Backend, BackendLoadContext, BackendModel } from '../../core/backend.ts';
import type { Execution } from '../../core/execution.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import { checkTensors } from '../paced/check-tensors.ts';
import { PacedAnswers } from '../paced/paced-answers.ts';
import { statelessModel } from '../paced/stateless-model.ts';

/** Delays are whole nanoseconds, counts are counts; what is no number counts as 0, as in Triton. */
interface SquareSettings {
  readonly inferDelayNs: number;
  readonly outputDelayNs: number;
  readonly cancelDelayNs: number;
  readonly failCount: number;
  readonly emptyCount: number;
}

/** Triton's `square` test backend: answers IN times with the value of IN; a batch has one row. */
export class SquareBackend implements Backend {
  readonly name = 'square';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config } = context;
    validateModelIo(config, context.configSource);
    checkTensors('input', config.input, [{ name: 'IN', dataType: 'TYPE_INT32', dims: [1] }]);
    checkTensors('output', config.output, [{ name: 'OUT', dataType: 'TYPE_INT32', dims: [1] }]);
    const settings = squareSettings(config);
    return statelessModel(config, (batch) => {
      for (const execution of batch) answer(execution, context, settings);
      return null;
    });
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

function squareSettings({ parameters }: ModelConfig): SquareSettings {
  const read = (name: string): number => {
    const text = parameters.get(name)?.string_value ?? '';
    return /^\d+$/u.test(text) ? Number(text) : 0;
  };
  return {
    inferDelayNs: read('CUSTOM_INFER_DELAY_NS'),
    outputDelayNs: read('CUSTOM_OUTPUT_DELAY_NS'),
    cancelDelayNs: read('CUSTOM_CANCEL_DELAY_NS'),
    failCount: read('CUSTOM_FAIL_COUNT'),
    emptyCount: read('CUSTOM_EMPTY_COUNT'),
  };
}

function answer(
  execution: Execution,
  { modelName, version, clock }: BackendLoadContext,
  { inferDelayNs, outputDelayNs, cancelDelayNs, failCount, emptyCount }: SquareSettings,
): void {
  const nowNs = clock.nowNs();
  execution.computeStartNs = nowNs;
  execution.computeInputEndNs = nowNs;
  execution.computeOutputStartNs = nowNs;
  execution.computeEndNs = nowNs;
  const { shape, data } = execution.request.inputs[0] as Tensor;
  if (shape.length === 2 && shape[0] !== 1) {
    execution.sink.fail(new TritonError('INVALID_ARG', 'unexpected shape for IN input'));
    return;
  }
  const count = new DataView(data.buffer, data.byteOffset, 4).getInt32(0, true);
  if (count < 0) {
    const text = `IN must not be negative, got ${count}`;
    execution.sink.fail(new TritonError('INVALID_ARG', text));
    return;
  }
  const out = new Uint8Array(Int32Array.of(count).buffer);
  const tensors = new Map<string, Tensor>([
    ['OUT', { name: 'OUT', dataType: 'INT32', shape: shape.map(() => 1), data: out }],
  ]);
  const isEmpty = (index: number): boolean => index >= count - emptyCount;
  new PacedAnswers({
    modelName,
    modelVersion: String(version),
    execution,
    count,
    delayMs: (index) => (inferDelayNs + (isEmpty(index) ? 0 : outputDelayNs)) / 1e6,
    answer: (index) => {
      if (isEmpty(index)) return null;
      if (index < count - emptyCount - failCount) return tensors;
      return new TritonError('UNKNOWN', 'simulated failure');
    },
    cancelDelayMs: cancelDelayNs / 1e6,
    told: (index, outcome, tookNs) => {
      // An answer that has outputs takes time for them, however little.
      const hasOutputs = outcome === 'success' || outcome === 'fail';
      const outputNs = hasOutputs ? Math.max(1, Math.min(tookNs, outputDelayNs)) : 0;
      execution.reportResponse?.(index, outcome, Math.max(0, tookNs - outputNs), outputNs);
    },
    clock,
  }).start();
}
