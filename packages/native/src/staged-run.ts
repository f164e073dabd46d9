import type { CStrings } from './c-strings.ts';
import { addressNumberOf, allocateAligned, NativeBlock } from './memory.ts';
import {
  createValueOver,
  type OnnxTensor,
  type TensorContext,
  type TensorLayout,
} from './onnx-tensor.ts';
import type { OnnxInput } from './tensor-run.ts';

/** Every tensor starts on a cache line of its own. */
const SLOT_ALIGNMENT_BYTES = 64;

interface Slot {
  readonly bytes: Buffer;
  readonly layout: TensorLayout;
}

/**
 * A run of small tensors of fixed shapes whose native values are made once, over memory of its own:
 * a call copies the inputs in, makes one native call and copies the outputs out. Only for calls on the
 * event loop, of which there is one at a time. Lives until `release`.
 */
export class StagedRun {
  readonly byteLength: number;
  readonly #context: TensorContext;
  readonly #names: CStrings;
  readonly #inputs: readonly Slot[];
  readonly #outputs: readonly Slot[];
  readonly #values: number[] = [];
  readonly #block: NativeBlock;

  constructor(
    context: TensorContext,
    names: CStrings,
    inputNames: readonly string[],
    inputs: readonly TensorLayout[],
    outputNames: readonly string[],
    outputs: readonly TensorLayout[],
  ) {
    this.#context = context;
    this.#names = names;
    this.byteLength = StagedRun.byteLengthOf([...inputs, ...outputs]);
    const memory = allocateAligned(this.byteLength, SLOT_ALIGNMENT_BYTES);
    let position = 0;
    const slot = (layout: TensorLayout): Slot => {
      const bytes = memory.subarray(position, position + layout.byteLength);
      position += roundUp(layout.byteLength);
      this.#values.push(createValueOver(context, layout, addressNumberOf(bytes)));
      return { bytes, layout };
    };
    try {
      this.#inputs = inputs.map(slot);
      this.#outputs = outputs.map(slot);
    } catch (error) {
      this.release();
      throw error;
    }
    this.#block = new NativeBlock((inputs.length + outputs.length) * 16);
    const words = [
      ...inputNames.map((name) => names.addressOf(name)),
      ...this.#values.slice(0, inputs.length),
      ...outputNames.map((name) => names.addressOf(name)),
      ...this.#values.slice(inputs.length),
    ];
    words.forEach((word, index) => {
      this.#block.write(index, word);
    });
  }

  /** Bytes that a staged run of these tensors keeps. */
  static byteLengthOf(layouts: readonly TensorLayout[]): number {
    return layouts.reduce((total, { byteLength }) => total + roundUp(byteLength), 0);
  }

  /** Runs; `inputs` have the layouts it was made for, `runOptions` may be 0. Returns an `OrtStatus *`, 0 for success. */
  run(session: number, runOptions: number, inputs: readonly OnnxInput[]): number {
    for (let index = 0; index < inputs.length; index += 1) {
      this.#inputs[index]!.bytes.set(inputs[index]!.tensor.data);
    }
    const block = this.#block;
    const inputCount = this.#inputs.length;
    const outputCount = this.#outputs.length;
    return this.#context.api.functions.Run(
      session,
      runOptions,
      block.address,
      block.address + inputCount * 8,
      inputCount,
      block.address + inputCount * 16,
      outputCount,
      block.address + inputCount * 16 + outputCount * 8,
    );
  }

  /** The results of the last run, copied: they stay as they are when it runs again. */
  results(): OnnxTensor[] {
    const results: OnnxTensor[] = [];
    for (const { bytes, layout } of this.#outputs) {
      const data = Buffer.allocUnsafe(layout.byteLength);
      data.set(bytes);
      results.push({ dataType: layout.dataType, shape: layout.shape, data });
    }
    return results;
  }

  /** Releases the native values; not to be run again. */
  release(): void {
    for (const value of this.#values) this.#context.api.functions.ReleaseValue(value);
    this.#values.length = 0;
  }

  /** The names that its addresses point into; referenced so that they outlive it. */
  get names(): CStrings {
    return this.#names;
  }
}

function roundUp(byteLength: number): number {
  return Math.ceil(byteLength / SLOT_ALIGNMENT_BYTES) * SLOT_ALIGNMENT_BYTES;
}
