import { allocateAligned } from '@nereid/native';
import {
  type DataType,
  dataTypeFromConfig,
  elementByteSize,
  type ModelConfig,
  type SequenceControl,
  type SequenceControlKind,
  type Tensor,
} from '@nereid/protocol';
import type { CorrelationId } from './correlation-id.ts';

/** Where a request stands in its sequence. */
export interface SequencePosition {
  readonly start: boolean;
  readonly end: boolean;
}

type Flag = 'START' | 'END' | 'READY';

/** Inputs that tell the model where a sequence stands; made once for all requests, save for the id. */
export class SequenceControls {
  /** By position: bit 0 for the first of a sequence, bit 1 for the last. */
  readonly #ready: readonly (readonly Tensor[])[];
  readonly #notReady: readonly Tensor[];
  readonly #correlation: { readonly name: string; readonly dataType: DataType } | null;
  readonly #shape: readonly number[];

  constructor(config: ModelConfig) {
    this.#shape = config.max_batch_size > 0 ? [1, 1] : [1];
    const flags = (['START', 'END', 'READY'] as const).flatMap((flag) =>
      flagTensors(config, flag, this.#shape),
    );
    const tensorsFor = (set: Record<Flag, boolean>): readonly Tensor[] =>
      flags.map(({ flag, off, on }) => (set[flag] ? on : off));
    this.#ready = [0, 1, 2, 3].map((bits) =>
      tensorsFor({ START: (bits & 1) > 0, END: (bits & 2) > 0, READY: true }),
    );
    this.#notReady = tensorsFor({ START: false, END: false, READY: false });
    this.#correlation = correlationControl(config);
  }

  /** The inputs of a request. @param id Of its sequence, as `idTensors` made it. */
  tensors({ start, end }: SequencePosition, id: readonly Tensor[]): readonly Tensor[] {
    const flags = this.#ready[(start ? 1 : 0) + (end ? 2 : 0)] as readonly Tensor[];
    return [...flags, ...id];
  }

  /** The inputs of a row that only fills a batch up: nothing but READY has a meaning there. */
  notReady(): readonly Tensor[] {
    return [...this.#notReady, ...this.idTensors(0)];
  }

  /** A sequence's id as an input: one tensor, or none where the model does not ask for it. */
  idTensors(id: CorrelationId): readonly Tensor[] {
    const control = this.#correlation;
    if (control === null) return [];
    return [{ ...control, shape: this.#shape, data: idBytes(control.dataType, id) }];
  }
}

function flagTensors(
  config: ModelConfig,
  flag: Flag,
  shape: readonly number[],
): { flag: Flag; off: Tensor; on: Tensor }[] {
  const found = findControl(config, `CONTROL_SEQUENCE_${flag}`);
  if (found === null) return [];
  const { name, control } = found;
  const values = flagValues(control);
  const tensor = (data: Uint8Array): Tensor => ({ name, dataType: values.dataType, shape, data });
  return [{ flag, off: tensor(values.off), on: tensor(values.on) }];
}

function flagValues({ int32_false_true, fp32_false_true, bool_false_true }: SequenceControl): {
  dataType: DataType;
  off: Uint8Array;
  on: Uint8Array;
} {
  const pair = <T>(
    dataType: DataType,
    [off, on]: readonly T[],
    write: (view: DataView, value: T) => void,
  ) => ({
    dataType,
    off: bytes(dataType, (view) => write(view, off as T)),
    on: bytes(dataType, (view) => write(view, on as T)),
  });
  if (int32_false_true.length > 0) {
    return pair('INT32', int32_false_true, (view, value) => view.setInt32(0, value, true));
  }
  if (fp32_false_true.length > 0) {
    return pair('FP32', fp32_false_true, (view, value) => view.setFloat32(0, value, true));
  }
  return pair('BOOL', bool_false_true, (view, value) => view.setUint8(0, value ? 1 : 0));
}

function correlationControl(config: ModelConfig): { name: string; dataType: DataType } | null {
  const found = findControl(config, 'CONTROL_SEQUENCE_CORRID');
  const dataType = found === null ? null : dataTypeFromConfig(found.control.data_type);
  return found === null || dataType === null ? null : { name: found.name, dataType };
}

function findControl(
  config: ModelConfig,
  kind: SequenceControlKind,
): { name: string; control: SequenceControl } | null {
  for (const { name, control: controls } of config.sequence_batching?.control_input ?? []) {
    const control = controls.find((candidate) => candidate.kind === kind);
    if (control !== undefined) return { name, control };
  }
  return null;
}

/** Ids are unsigned 64-bit numbers: narrower types get the low bits, as in Triton. */
function idBytes(dataType: DataType, id: CorrelationId): Uint8Array {
  if (dataType === 'BYTES') {
    const text = Buffer.from(typeof id === 'string' ? id : '');
    const data = allocateAligned(4 + text.byteLength);
    data.writeUInt32LE(text.byteLength, 0);
    data.set(text, 4);
    return data;
  }
  const number = typeof id === 'string' ? 0n : BigInt(id);
  return bytes(dataType, (view) => {
    if (view.byteLength === 8) view.setBigUint64(0, number, true);
    else view.setUint32(0, Number(number & 0xffff_ffffn), true);
  });
}

function bytes(dataType: DataType, write: (view: DataView) => void): Uint8Array {
  const data = allocateAligned(elementByteSize(dataType));
  write(new DataView(data.buffer, data.byteOffset, data.byteLength));
  return data;
}
