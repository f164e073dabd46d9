import { type ModelConfig, type Tensor, TritonError } from '@nereid/protocol';
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

/** Sums of sequences that never ended are forgotten beyond this many. */
const sumsMax = 65_536;

const controls = ['START', 'END', 'READY', 'CORRID'];

/**
 * Triton's `dyna_sequence` test backend: OUTPUT is the sum of all INPUTs of the sequence so far, kept
 * by correlation id, which is added to the last of them.
 */
export class DynaSequenceBackend implements Backend {
  readonly name = 'dyna_sequence';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config } = context;
    const delayMs = executeDelayMs(config);
    const names = controlNames(config, this.name);
    require(names.length === controls.length &&
      controls.every((name) =>
        names.includes(name),
      ), "'START', 'END, 'READY' and 'CORRID' must be configured as the control inputs");
    const type = correlationType(config);
    require(type === 'TYPE_UINT64' ||
      type ===
        'TYPE_STRING', 'model CORRID control input must have TYPE_UINT64 or TYPE_STRING data-type');
    requireVectorPair(config);
    requireCpuInstances(config, this.name);
    return new RowModel(context, { instance: accumulatorById, delayMs });
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

function correlationType({ sequence_batching }: ModelConfig): string | undefined {
  const input = sequence_batching?.control_input.find(({ name }) => name === 'CORRID');
  return input?.control[0]?.data_type;
}

function accumulatorById(): ExecuteRow {
  const sums = new Map<bigint, number>();
  return ({ request }) => {
    if (!isSet(request, 'READY')) return [];
    const id = correlationNumber(inputNamed(request, 'CORRID') as Tensor);
    if (id === null) {
      const text = 'dyna sequence backend expects correlation ID to be decodable into an integer';
      return new TritonError('INVALID_ARG', text);
    }
    const input = inputNamed(request, 'INPUT') as Tensor;
    const before = isSet(request, 'START') ? 0 : (sums.get(id) ?? 0);
    let sum = int32Values(input).reduce((total, value) => (total + value) | 0, before);
    if (isSet(request, 'END')) {
      sum = (sum + Number(BigInt.asIntN(32, id))) | 0;
      sums.delete(id);
    } else {
      // Set anew, so that the first one is the one that was silent longest.
      sums.delete(id);
      sums.set(id, sum);
      if (sums.size > sumsMax) sums.delete(sums.keys().next().value as bigint);
    }
    return [filledLike('OUTPUT', input, sum)];
  };
}

/** Text is a number as far as it begins like one. */
function correlationNumber({ dataType, data }: Tensor): bigint | null {
  const bytes = Buffer.from(data);
  if (dataType !== 'BYTES') return bytes.readBigUInt64LE(0);
  const digits = /^\s*([+-]?\d{1,10})/u.exec(bytes.subarray(4).toString())?.[1];
  return digits === undefined ? null : BigInt.asUintN(64, BigInt(digits.replace('+', '')));
}
