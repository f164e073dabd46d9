import { type Tensor, TritonError } from '@nereid/protocol';
import type { Backend, BackendLoadContext, BackendModel } from '../../core/backend.ts';
import { filledLike, inputNamed, int32Values, isSet } from '../row-model/int32-tensor.ts';
import { type ExecuteRow, RowModel } from '../row-model/row-model.ts';
import {
  controlNames,
  executeDelayMs,
  require,
  requireCpuInstances,
  requireVectorPair,
} from '../row-model/row-model-config.ts';

/** Triton's `sequence` test backend: OUTPUT is the sum of all INPUTs of the sequence so far, kept by row. */
export class SequenceBackend implements Backend {
  readonly name = 'sequence';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config } = context;
    const delayMs = executeDelayMs(config);
    const names = controlNames(config, this.name);
    const text = "'START' and 'READY' must be configured as the control inputs";
    require(names.length === 2 && names.includes('START') && names.includes('READY'), text);
    requireVectorPair(config);
    requireCpuInstances(config, this.name);
    const rows = Math.max(1, config.max_batch_size);
    return new RowModel(context, { instance: () => accumulatorByRow(rows), delayMs });
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

function accumulatorByRow(rows: number): ExecuteRow {
  const sums = new Int32Array(rows);
  return ({ request }, row) => {
    if (row >= rows) {
      return new TritonError('UNSUPPORTED', 'unable to execute batch larger than max-batch-size');
    }
    if (!isSet(request, 'READY')) return [];
    const input = inputNamed(request, 'INPUT') as Tensor;
    const before = isSet(request, 'START') ? 0 : (sums[row] as number);
    sums[row] = int32Values(input).reduce((sum, value) => (sum + value) | 0, before);
    return [filledLike('OUTPUT', input, sums[row] as number)];
  };
}
