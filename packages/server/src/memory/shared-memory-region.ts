import type { SharedMemoryObject } from '@nereid/native';

/** What clients are told of a region. */
export interface SharedMemoryRegionStatus {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
}

/**
 * A part of a shared-memory object that a client has registered under a name. Owned by the registry,
 * which closes the object when nobody uses it any more.
 */
export class SharedMemoryRegion implements SharedMemoryRegionStatus {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byteSize: number;
  readonly object: SharedMemoryObject;
  /** Requests that use it now. */
  userCount = 0;
  /** Goes when the last user does. */
  awaitingUnregister = false;

  constructor(status: SharedMemoryRegionStatus, object: SharedMemoryObject) {
    this.name = status.name;
    this.key = status.key;
    this.offset = status.offset;
    this.byteSize = status.byteSize;
    this.object = object;
  }
}
