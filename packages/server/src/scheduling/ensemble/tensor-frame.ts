import type { RequestParameters, Tensor } from '@nereid/protocol';
import type { EnsembleRoute } from './ensemble-route.ts';

/** What an ensemble tensor holds. */
export interface FrameValue {
  /** Null where an optional input was left out, or a step gave no such output. */
  readonly tensor: Tensor | null;
  /** 0 when the giver does not batch. */
  readonly batchSize: number;
  /** Of the request that gave it. */
  readonly parameters: RequestParameters;
}

/**
 * The tensors that belong together: those that came of the ensemble's inputs, or of one answer of a
 * decoupled step. A step that answers once writes where it read; each answer of one that answers many
 * times opens a frame of its own, so that tensors of different answers never meet, in whatever order
 * they come. Holds a tensor until its last reader has it: the memory is whose it was, nothing is copied.
 */
export class TensorFrame {
  readonly #route: EnsembleRoute;
  readonly #values: (FrameValue | undefined)[] = [];
  readonly #missing: number[];
  readonly #reads: number[];
  #outputsMissing: number;

  constructor(route: EnsembleRoute) {
    this.#route = route;
    this.#missing = route.missing.slice();
    this.#reads = route.reads.slice();
    this.#outputsMissing = route.outputs.length;
  }

  /** True when all that the ensemble answers with is there. */
  get complete(): boolean {
    return this.#outputsMissing === 0;
  }

  /** @returns The steps that waited for this tensor only. */
  set(tensor: number, value: FrameValue): readonly number[] {
    const { readers, isOutput } = this.#route;
    if ((this.#reads[tensor] as number) > 0) this.#values[tensor] = value;
    if (isOutput[tensor] === true) this.#outputsMissing--;
    let ready: number[] | null = null;
    for (const step of readers[tensor] as readonly number[]) {
      const missing = (this.#missing[step] as number) - 1;
      this.#missing[step] = missing;
      if (missing > 0) continue;
      if (ready === null) ready = [step];
      else ready.push(step);
    }
    return ready ?? noSteps;
  }

  /** What a reader that may take it finds. */
  value(tensor: number): FrameValue {
    const value = this.#values[tensor];
    if (value === undefined) throw new Error(`ensemble tensor ${tensor} is not there`);
    return value;
  }

  /** A reader has what it needs: after the last one the tensor is let go. */
  taken(tensor: number): void {
    const left = (this.#reads[tensor] as number) - 1;
    this.#reads[tensor] = left;
    if (left === 0) this.#values[tensor] = undefined;
  }
}

const noSteps: readonly number[] = [];
