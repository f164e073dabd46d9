import { CStrings } from './c-strings.ts';
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
  readonly #outputs: Buffer[] = [];

  /**
   * `layouts`: what the outputs will be, in the order of their names; they are then written straight
   * into the memory that the caller gets. Null: ONNX Runtime allocates, and the bytes are copied once.
   */
  constructor(
    context: TensorContext,
    names: CStrings,
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    layouts: readonly TensorLayout[] | null,
  ) {
    this.#context = context;
    this.#outputNames = outputNames;
    this.#inputCount = inputs.length;
    this.#layouts = layouts;
    this.#block = new NativeBlock((inputs.length + outputNames.length) * 16);
    for (let index = 0; index < this.#block.length; index += 1) this.#block.write(index, 0);
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
      const { value, memory } = createOutputTensor(this.#context, layout);
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

  /** Releases the native values; no native code may be using them any more. */
  release(): void {
    const { ReleaseValue } = this.#context.api.functions;
    const outputs = this.#inputCount * 2 + this.#outputNames.length;
    const releaseAt = (index: number): void => {
      const value = this.#block.read(index);
      this.#block.write(index, 0);
      if (value !== 0) ReleaseValue(value);
    };
    for (let index = 0; index < this.#inputCount; index += 1) releaseAt(this.#inputCount + index);
    for (let index = outputs; index < this.#block.length; index += 1) releaseAt(index);
    this.#memory.length = 0;
    this.#outputs.length = 0;
  }
}
