import { guardedRanges } from './guarded-ranges.ts';
import { mappedView } from './mapped-view.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  mapMemory,
  PROT_READ,
  PROT_WRITE,
  systemMemory,
} from './system-memory.ts';

/** Larger parts are not mapped: an ArrayBuffer of some versions of Node holds no more. */
const MAPPING_BYTES_MAX = 2_147_483_647;

/**
 * A part of a shared-memory object, mapped: `bytes` are the object's own. The object is another
 * process's to shrink at any time; an access beyond its new end finds empty pages, and `lost` says so
 * from then on, where it would be a SIGBUS that ends this process. The kernel's own accesses (a
 * `write` of these bytes) fail with EFAULT instead.
 *
 * Owned by who made it, until `retire`. Views that are still referenced after that stay valid memory:
 * they see empty pages and reach nobody.
 */
export class SharedMemoryMapping {
  readonly bytes: Uint8Array;
  readonly #descriptor: number;
  readonly #offset: number;
  readonly #address: number;
  readonly #byteLength: number;
  readonly #slot: number;

  private constructor(
    descriptor: number,
    offset: number,
    address: number,
    byteLength: number,
    slot: number,
  ) {
    this.#descriptor = descriptor;
    this.#offset = offset;
    this.#address = address;
    this.#byteLength = byteLength;
    this.#slot = slot;
    this.bytes = new Uint8Array(mappedView(address, byteLength));
  }

  /**
   * @param descriptor Stays the caller's, and open until `retire`.
   * @param offset A multiple of the page size.
   * @returns Null where that cannot be done safely.
   */
  static map(descriptor: number, offset: number, byteLength: number): SharedMemoryMapping | null {
    if (byteLength > MAPPING_BYTES_MAX || process.platform !== 'linux') return null;
    const ranges = guardedRanges();
    const protection = PROT_READ | PROT_WRITE;
    const address = mapMemory(0, byteLength, protection, MAP_SHARED, descriptor, offset);
    if (address === null) return null;
    const slot = ranges.add(address, byteLength);
    if (slot !== null) {
      return new SharedMemoryMapping(descriptor, offset, address, byteLength, slot);
    }
    systemMemory().munmap(address, byteLength);
    return null;
  }

  /** Whether an access found a page of the object gone since it was mapped, or since `restore`. */
  get lost(): boolean {
    return guardedRanges().hasLost(this.#slot);
  }

  /** Maps the object anew where pages were lost. Nobody may be using `bytes`. @returns Whether it worked. */
  restore(): boolean {
    guardedRanges().reset(this.#slot);
    return this.#replace(MAP_SHARED, this.#descriptor, this.#offset);
  }

  /** Lets go of the object. Once. */
  retire(): void {
    this.#replace(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    guardedRanges().remove(this.#slot);
  }

  #replace(flags: number, descriptor: number, offset: number): boolean {
    const protection = PROT_READ | PROT_WRITE;
    const all = this.#byteLength;
    return (
      mapMemory(this.#address, all, protection, MAP_FIXED | flags, descriptor, offset) !== null
    );
  }
}
