import type { SharedMemoryMapping } from '@nereid/native';
import type { RegionMemory } from './region-memory.ts';

/** What clients are told of a region. */
export interface SharedMemoryRegionStatus {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
}

/** The same of a region on a GPU. */
export interface CudaRegionStatus {
  readonly name: string;
  readonly deviceId: number;
  readonly byteSize: number;
}

/**
 * A part of a shared-memory object that a client has registered under a name. Owned by the registry,
 * which closes it when nobody uses it any more.
 */
export class SharedMemoryRegion implements SharedMemoryRegionStatus {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
  readonly object: RegionMemory;
  /** Null for system memory. */
  readonly deviceId: number | null;
  /** Requests that use it now. */
  userCount = 0;
  /** Those of them with tensors in its mapping. */
  inPlaceCount = 0;
  /** Goes when the last user does. */
  awaitingUnregister = false;
  /** Null where it cannot be mapped, undefined until that was tried. */
  #mapping: SharedMemoryMapping | null | undefined;

  constructor(
    status: SharedMemoryRegionStatus,
    object: RegionMemory,
    deviceId: number | null = null,
  ) {
    this.deviceId = deviceId;
    this.name = status.name;
    this.key = status.key;
    this.offset = status.offset;
    this.byteSize = status.byteSize;
    this.object = object;
  }

  /** Address space that its mapping takes. */
  get mappedBytes(): number {
    return (this.#mapping ?? null) === null ? 0 : this.byteSize;
  }

  /** Whether a page was found gone that a request in flight has touched, or may have. */
  get lost(): boolean {
    return this.#mapping?.lost ?? false;
  }

  /**
   * The client's own memory; mapped at the first call.
   *
   * @param bytesMax Not mapped beyond.
   * @returns Null where that cannot be had: the memory is copied then.
   */
  memory(bytesMax: number): Uint8Array | null {
    if (this.#mapping === undefined) {
      this.#mapping = this.byteSize > bytesMax ? null : this.object.map(this.offset, this.byteSize);
    }
    const mapping = this.#mapping;
    if (mapping === null) return null;
    // Those that are under way are to find out that their memory was lost.
    if (mapping.lost && (this.inPlaceCount > 0 || !mapping.restore())) return null;
    return mapping.bytes;
  }

  close(): void {
    this.#mapping?.retire();
    this.object.close();
  }
}
