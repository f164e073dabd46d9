import { BodyMemory } from '@nereid/transport';
import type { Clock } from '../../core/clock.ts';
import type { BlockHold, SharedBlocks } from '../../memory/shared-blocks.ts';

/** Smaller tensors are quicker through the socket. */
const sharedBytesMin = 64 * 1024;
/** Copying more would hold the event loop up; the socket takes larger ones piece by piece. */
const copiedBytesMax = 16 * 1024 * 1024;

/** Memory that an answer may be written to. */
export interface Grant {
  readonly place: number;
  readonly memory: Buffer;
}

/**
 * The tensors that one worker finds, and leaves, in the memory that it has in common with the server. What it
 * was given stays as it is until it says that it needs it no longer, or is gone.
 */
export class SharedTensors {
  /** What is copied for the worker, or from it: used again where it is said to be free. */
  readonly memory: BodyMemory;
  readonly #blocks: SharedBlocks;
  /** By the place of the tensor; a tensor may be given more than once. */
  readonly #holds = new Map<number, BlockHold[]>();
  /** By batch. */
  readonly #grants = new Map<number, Grant>();
  /** Of the last answer that was too large for the socket; 0 while there is none. */
  #answerBytes = 0;

  constructor(blocks: SharedBlocks, clock: Clock) {
    this.#blocks = blocks;
    this.memory = new BodyMemory(null, clock, blocks);
  }

  /** @returns The tensor's place, from now on the worker's too; null where it has to be sent. */
  give(tensor: Uint8Array): number | null {
    if (tensor.byteLength < sharedBytesMin) return null;
    const hold = this.#blocks.hold(tensor);
    return hold === null ? null : this.#held(hold);
  }

  /** Gives the worker a copy of a payload. @returns Its place; null where it has to be sent. */
  giveCopy(pieces: readonly Uint8Array[], byteCount: number): number | null {
    if (byteCount < sharedBytesMin || byteCount > copiedBytesMax) return null;
    const copy = this.memory.allocate(byteCount, 0);
    const hold = this.#blocks.hold(copy);
    if (hold === null) return null;
    let at = 0;
    for (const piece of pieces) {
      copy.set(piece, at);
      at += piece.byteLength;
    }
    // Ours no longer: it is used again once the worker lets go of it.
    this.memory.recycle(copy);
    return this.#held(hold);
  }

  /** The worker needs a tensor no longer. @throws Error for one that it does not have. */
  letGo(place: number): void {
    const holds = this.#holds.get(place);
    if (holds === undefined) throw new Error(`nothing was given at ${place}`);
    holds.pop()?.letGo();
    if (holds.length === 0) this.#holds.delete(place);
  }

  /** Memory that the worker answers with. @throws Error unless it is of a tensor that it was given. */
  given(place: number, byteCount: number): Uint8Array {
    for (const [start, [hold]] of this.#holds) {
      const offset = place - start;
      if (hold === undefined || offset < 0) continue;
      const { tensor } = hold;
      if (offset + byteCount <= tensor.byteLength) {
        return tensor.subarray(offset, offset + byteCount);
      }
    }
    throw new Error(`${byteCount} bytes at ${place} were not given`);
  }

  /** Memory for the answers of a batch, as large as those of the last one. @returns Null for none. */
  grant(batch: number): Grant | null {
    if (this.#answerBytes === 0) return null;
    const memory = this.memory.allocate(this.#answerBytes, 0);
    const place = this.#blocks.placeOf(memory);
    if (place === null) return null;
    const grant = { place, memory };
    this.#grants.set(batch, grant);
    return grant;
  }

  /**
   * The batch has been answered.
   * @param byteCount Of the answers' payload, 0 where the socket carried it.
   * @param granted Whether it is in the memory that was granted.
   * @returns That memory; null where it was not used. @throws Error where it cannot be.
   */
  answered(batch: number, byteCount: number, granted: boolean): Buffer | null {
    this.#answerBytes = byteCount;
    const grant = this.#grants.get(batch);
    this.#grants.delete(batch);
    if (granted) {
      if (grant === undefined || byteCount > grant.memory.length) {
        throw new Error(`batch ${batch} was not granted ${byteCount} bytes`);
      }
      return grant.memory;
    }
    if (grant !== undefined) this.memory.recycle(grant.memory);
    return null;
  }

  /** The worker is gone. */
  close(): void {
    for (const holds of this.#holds.values()) {
      for (const hold of holds) hold.letGo();
    }
    this.#holds.clear();
    for (const { memory } of this.#grants.values()) this.memory.recycle(memory);
    this.#grants.clear();
  }

  #held(hold: BlockHold): number {
    const { place } = hold;
    const holds = this.#holds.get(place);
    if (holds === undefined) this.#holds.set(place, [hold]);
    else holds.push(hold);
    return place;
  }
}
