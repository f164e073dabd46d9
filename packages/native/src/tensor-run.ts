import { CStrings } from './c-strings.ts';
import type { DataType } from './data-type.ts';
import type { NativeArgument } from './koffi-library.ts';
import { NativeBlock } from './memory.ts';
import {
  createInputTensor,
  createOutputTensor,
  type OnnxTensor,
  readValue,
  type TensorContext,
  type TensorLayout,
} from './onnx-tensor.ts';

/** One input of a run. */
export interface OnnxInput {
  readonly name: string;
  readonly tensor: OnnxTensor;
}

/**
 * Memory of the caller's for an output: it does not move, and lies at a multiple of its elements' size.
 * Null for memory of its own. What is written there is the output if the run succeeds, else it is arbitrary.
 */
export type OutputMemory = (
  name: string,
  dataType: DataType,
  byteLength: number,
) => Uint8Array | null;

/** Words of a block that is used again: runs of up to 16 inputs and outputs. */
const POOLED_WORDS = 32;
/** Blocks kept for the next runs; one is some hundred bytes. */
const POOLED_BLOCKS_MAX = 64;
/** Making a block costs 3 us, a fifth of a run of a small model. */
const pool: NativeBlock[] = [];

function takeBlock(words: number): NativeBlock {
  if (words > POOLED_WORDS) return new NativeBlock(words * 8);
  return pool.pop() ?? new NativeBlock(POOLED_WORDS * 8);
}

/**
 * The native side of one run of any shapes and types: its values, their memory, the arguments of
 * `Run`. It owns all of them from construction to `release`, which the caller must reach after the
 * native call is over, whatever became of it.
 */
export class TensorRun {
  readonly #context: TensorContext;
  readonly #outputNames: readonly string[];
  readonly #inputCount: number;
  readonly #layouts: readonly TensorLayout[] | null;
  /** [input names][input values][output names][output values], as `Run` takes them. */
  readonly #block: NativeBlock;
  /** What the addresses in the block point into. */
  readonly #memory: unknown[] = [];
  readonly #outputs: Uint8Array[] = [];
  readonly #outputMemory: OutputMemory | null;

  /**
   * `layouts`: what the outputs will be, in the order of their names; they are then written straight
   * into the memory that the caller gets, or gives (`outputMemory`). Null: ONNX Runtime allocates, and the bytes are copied once.
   */
  constructor(
    context: TensorContext,
    names: CStrings,
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    layouts: readonly TensorLayout[] | null,
    outputMemory: OutputMemory | null,
  ) {
    this.#outputMemory = outputMemory;
    this.#context = context;
    this.#outputNames = outputNames;
    this.#inputCount = inputs.length;
    this.#layouts = layouts;
    const words = (inputs.length + outputNames.length) * 2;
    this.#block = takeBlock(words);
    for (let index = 0; index < words; index += 1) this.#block.write(index, 0);
    try {
      this.#fill(names, inputs, outputNames);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  #fill(names: CStrings, inputs: readonly OnnxInput[], outputNames: readonly string[]): void {
    const block = this.#block;
    const addressOfName = (name: string): number => {
      const known = names.find(name);
      if (known !== null) return known;
      const own = new CStrings([name]);
      this.#memory.push(own);
      return own.addressOf(name);
    };
    inputs.forEach(({ name, tensor }, index) => {
      block.write(index, addressOfName(name));
      const { value, memory } = createInputTensor(this.#context, tensor);
      this.#memory.push(memory);
      block.write(inputs.length + index, value);
    });
    const base = inputs.length * 2;
    outputNames.forEach((name, index) => {
      block.write(base + index, addressOfName(name));
      const layout = this.#layouts?.[index];
      if (layout === undefined) return;
      const own = this.#outputMemory?.(name, layout.dataType, layout.byteLength) ?? null;
      const { value, memory } = createOutputTensor(this.#context, layout, own);
      this.#outputs.push(memory);
      block.write(base + outputNames.length + index, value);
    });
  }

  /** The arguments of `OrtApi::Run`. */
  arguments(session: number, runOptions: number): NativeArgument[] {
    const inputs = this.#inputCount;
    const outputs = this.#outputNames.length;
    const block = this.#block;
    return [
      session,
      runOptions,
      block.at(0),
      block.at(inputs),
      inputs,
      block.at(inputs * 2),
      outputs,
      block.at(inputs * 2 + outputs),
    ];
  }

  /** The results, in the order of the output names; after a run that succeeded. */
  results(): OnnxTensor[] {
    const first = this.#inputCount * 2 + this.#outputNames.length;
    return this.#outputNames.map((name, index) => {
      const layout = this.#layouts?.[index];
      if (layout === undefined)
        return readValue(this.#context, this.#block.read(first + index), name);
      return { dataType: layout.dataType, shape: layout.shape, data: this.#outputs[index]! };
    });
  }

  /** Releases the native values; no native code may be using them any more. Once. */
  release(): void {
    const { ReleaseValue } = this.#context.api.functions;
    const block = this.#block;
    const releaseAt = (index: number): void => {
      const value = block.read(index);
      if (value !== 0) ReleaseValue(value);
    };
    const outputs = this.#inputCount * 2 + this.#outputNames.length;
    for (let index = 0; index < this.#inputCount; index += 1) releaseAt(this.#inputCount + index);
    for (let index = 0; index < this.#outputNames.length; index += 1) releaseAt(outputs + index);
    this.#memory.length = 0;
    this.#outputs.length = 0;
    if (block.length === POOLED_WORDS && pool.length < POOLED_BLOCKS_MAX) pool.push(block);
  }
}
