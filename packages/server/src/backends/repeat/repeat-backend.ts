import { type ModelConfig, type Tensor, TritonError } from '@nereid/protocol';
import type { Backend, BackendLoadContext, BackendModel } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { Execution } from '../../core/execution.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import { checkTensors } from '../paced/check-tensors.ts';
import { PacedAnswers } from '../paced/paced-answers.ts';
import { statelessModel } from '../paced/stateless-model.ts';

/**
 * Triton's `repeat` test backend: one answer for each element of IN, with its place as IDX, each after
 * its DELAY in milliseconds; the instance takes the next request after WAIT milliseconds.
 */
export class RepeatBackend implements Backend {
  readonly name = 'repeat';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config } = context;
    validateModelIo(config, context.configSource);
    checkRepeat(config);
    return statelessModel(config, (batch) => execute(batch[0] as Execution, context));
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

/** @throws TritonError INVALID_ARG with the texts of Triton's backend. */
function checkRepeat({ max_batch_size, input, output }: ModelConfig): void {
  if (max_batch_size !== 0) {
    throw invalid('repeat backend only supports models with max_batch_size == 0');
  }
  checkTensors('input', input, [
    { name: 'IN', dataType: 'TYPE_INT32', dims: null },
    { name: 'DELAY', dataType: 'TYPE_UINT32', dims: null },
    { name: 'WAIT', dataType: 'TYPE_UINT32', dims: [1] },
  ]);
  checkTensors('output', output, [
    { name: 'OUT', dataType: 'TYPE_INT32', dims: [1] },
    { name: 'IDX', dataType: 'TYPE_UINT32', dims: [1] },
  ]);
  const [inDims = [], delayDims = []] = input.map(({ dims }) => dims);
  if (inDims.length !== 1) {
    throw invalid(`expected IN shape to have one dimension, got [${inDims.join(',')}]`);
  }
  if (inDims.join() !== delayDims.join()) throw mismatch(inDims, delayDims);
}

function execute(execution: Execution, context: BackendLoadContext): Promise<void> | null {
  const { modelName, version, clock } = context;
  const nowNs = clock.nowNs();
  execution.computeStartNs = nowNs;
  execution.computeInputEndNs = nowNs;
  execution.computeOutputStartNs = nowNs;
  execution.computeEndNs = nowNs;
  const { inputs } = execution.request;
  const input = (name: string): Tensor => inputs.find((tensor) => tensor.name === name) as Tensor;
  const [values, delays, wait] = [input('IN'), input('DELAY'), input('WAIT')];
  if (values.shape.join() !== delays.shape.join()) {
    execution.sink.fail(mismatch(values.shape, delays.shape));
    return null;
  }
  const waitMs = viewOf(wait).getUint32(0, true);
  const freed = waitMs === 0 ? null : waited(execution, waitMs, clock);
  const [ins, pauses] = [viewOf(values), viewOf(delays)];
  new PacedAnswers({
    modelName,
    modelVersion: String(version),
    execution,
    count: values.data.byteLength / 4,
    delayMs: (index) => pauses.getUint32(index * 4, true),
    answer: (index) =>
      new Map([
        ['OUT', one('OUT', 'INT32', ins.getInt32(index * 4, true))],
        ['IDX', one('IDX', 'UINT32', index)],
      ]),
    clock,
  }).start();
  return freed;
}

/** All of the time counts as computing. */
function waited(execution: Execution, waitMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(waitMs, () => {
      execution.computeOutputStartNs = clock.nowNs();
      execution.computeEndNs = execution.computeOutputStartNs;
      resolve();
    });
  });
}

function viewOf({ data }: Tensor): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function one(name: string, dataType: 'INT32' | 'UINT32', value: number): Tensor {
  return { name, dataType, shape: [1], data: new Uint8Array(Int32Array.of(value).buffer) };
}

function mismatch(a: readonly number[], b: readonly number[]): TritonError {
  return invalid(`expected IN and DELAY shape to match, got [${a.join(',')}] and [${b.join(',')}]`);
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}
