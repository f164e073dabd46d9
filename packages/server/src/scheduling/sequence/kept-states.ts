import { allocateAligned } from '@nereid/native';
import { type DataType, type Tensor, TritonError } from '@nereid/protocol';
import type { SequenceStates } from '../../core/sequence-states.ts';

/** What one state may hold. A sequence that goes on for ever must not take all memory. */
const stateBytesMax = 1024 ** 3;

/** One implicit state, as its configuration says. */
export interface StateSettings {
  readonly inputName: string;
  readonly outputName: string;
  readonly dataType: DataType;
  /** What a sequence begins with; with the batch dimension where the model batches. */
  readonly shape: readonly number[];
  readonly initial: Uint8Array;
  /** The new value is written over the old one. */
  readonly sameBuffer: boolean;
  /** Memory is set aside for it to grow. */
  readonly growable: boolean;
}

/** The states of one sequence, between its requests. */
export class KeptStates implements SequenceStates {
  readonly outputNames: readonly string[];
  readonly #states: readonly KeptState[];

  /** @param outputNames Of all settings; one list for every sequence. */
  constructor(settings: readonly StateSettings[], outputNames: readonly string[]) {
    this.outputNames = outputNames;
    this.#states = settings.map((one) => new KeptState(one));
  }

  /** The values as inputs. Their memory is written to when the next value comes, not before. */
  tensors(): readonly Tensor[] {
    return this.#states.map((state) => state.tensor());
  }

  allocate(
    outputName: string,
    dataType: DataType,
    shape: readonly number[],
    byteLength: number,
  ): Uint8Array {
    return this.#state(outputName).allocate(dataType, shape, byteLength);
  }

  commit(outputName: string): void {
    this.#state(outputName).commit();
  }

  #state(outputName: string): KeptState {
    const state = this.#states[this.outputNames.indexOf(outputName)];
    if (state !== undefined) return state;
    throw new TritonError('INVALID_ARG', `state '${outputName}' is not a valid state name.`);
  }
}

type Value = Pick<Tensor, 'dataType' | 'shape' | 'data'>;

/** Two pieces of memory that change places, or one. */
class KeptState {
  readonly #settings: StateSettings;
  #value: Value;
  #next: Value | null = null;
  /** May be larger than the value in it. */
  #memory: Uint8Array | null;
  #spare: Uint8Array | null = null;

  constructor(settings: StateSettings) {
    const { dataType, shape, initial, sameBuffer } = settings;
    this.#settings = settings;
    // The initial value is everybody's: it is written to by nobody.
    this.#memory = sameBuffer ? copied(initial, initial.byteLength) : null;
    this.#value = { dataType, shape, data: this.#memory ?? initial };
  }

  tensor(): Tensor {
    return { name: this.#settings.inputName, ...this.#value };
  }

  allocate(dataType: DataType, shape: readonly number[], byteLength: number): Uint8Array {
    if (byteLength > stateBytesMax) {
      throw new TritonError(
        'INVALID_ARG',
        `state '${this.#settings.outputName}' takes ${byteLength} bytes, it may take at most ${stateBytesMax}`,
      );
    }
    const memory = this.#settings.sameBuffer ? this.#grown(byteLength) : this.#other(byteLength);
    this.#next = { dataType, shape, data: memory.subarray(0, byteLength) };
    return this.#next.data;
  }

  commit(): void {
    if (this.#next === null) return;
    this.#value = this.#next;
    this.#next = null;
    if (this.#settings.sameBuffer) return;
    [this.#memory, this.#spare] = [this.#spare, this.#memory];
  }

  /** The memory of the value, made larger where that is needed: what it holds stays. */
  #grown(byteLength: number): Uint8Array {
    const memory = this.#memory as Uint8Array;
    if (memory.byteLength >= byteLength) return memory;
    const room = this.#settings.growable
      ? Math.min(stateBytesMax, Math.max(byteLength, 2 * memory.byteLength))
      : byteLength;
    this.#memory = copied(memory, room);
    this.#value = { ...this.#value, data: this.#memory.subarray(0, this.#value.data.byteLength) };
    return this.#memory;
  }

  /** The memory that the value before this one was in. */
  #other(byteLength: number): Uint8Array {
    if (this.#spare === null || this.#spare.byteLength < byteLength) {
      this.#spare = allocateAligned(byteLength);
    }
    return this.#spare;
  }
}

function copied(data: Uint8Array, byteLength: number): Uint8Array {
  const memory = allocateAligned(byteLength).fill(0, data.byteLength);
  memory.set(data);
  return memory;
}
