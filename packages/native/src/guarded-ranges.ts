import { installBusErrorHandler, SLOT_WORDS } from './bus-error-handler.ts';
import { NativeBlock } from './memory.ts';

/** Ranges that are guarded at the same time. */
const SLOTS_MAX = 4096;
const WORD_BYTES = 8;

/** Offsets in words. */
const END = 1;
const LOST = 2;

/**
 * Ranges of addresses in which a page that is lost is replaced by an empty one, see
 * `installBusErrorHandler`. The handler reads the table while it is written here; a slot whose end is
 * 0 fits no address.
 */
class GuardedRanges {
  /** One slot's worth of header: the number of slots. */
  readonly #table = new NativeBlock((SLOTS_MAX + 1) * SLOT_WORDS * WORD_BYTES);
  readonly #free: number[] = [];
  #slotCount = 0;
  readonly #installed: boolean;

  constructor() {
    for (let word = 0; word < SLOT_WORDS; word++) this.#table.write(word, 0);
    this.#installed = installBusErrorHandler(this.#table.address);
  }

  /** @returns The slot, null where ranges cannot be guarded, or no more of them. */
  add(start: number, byteLength: number): number | null {
    if (!this.#installed) return null;
    const reused = this.#free.pop();
    if (reused === undefined && this.#slotCount === SLOTS_MAX) return null;
    const slot = reused ?? this.#slotCount;
    const at = wordOf(slot);
    this.#table.write(at + END, 0);
    this.#table.write(at + LOST, 0);
    this.#table.write(at, start);
    this.#table.write(at + END, start + byteLength);
    if (reused === undefined) this.#table.write(0, ++this.#slotCount);
    return slot;
  }

  remove(slot: number): void {
    this.#table.write(wordOf(slot) + END, 0);
    this.#free.push(slot);
  }

  /** Whether a page of the range was lost since it was added, or since `reset`. */
  hasLost(slot: number): boolean {
    return this.#table.read(wordOf(slot) + LOST) !== 0;
  }

  reset(slot: number): void {
    this.#table.write(wordOf(slot) + LOST, 0);
  }
}

function wordOf(slot: number): number {
  return (slot + 1) * SLOT_WORDS;
}

let ranges: GuardedRanges | null = null;

/** The process's own, made with the first call: nothing handles the signal before. */
export function guardedRanges(): GuardedRanges {
  ranges ??= new GuardedRanges();
  return ranges;
}
