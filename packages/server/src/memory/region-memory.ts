import type { CudaMemory, SharedMemoryMapping, SharedMemoryObject } from '@nereid/native';

/** The memory that regions are parts of: `SharedMemoryObject`, or what stands in for it. */
export type RegionMemory = Pick<
  SharedMemoryObject,
  'byteSize' | 'read' | 'readOnThread' | 'write' | 'writeOnThread' | 'close'
> & {
  isSame(other: RegionMemory): boolean;
  map(offset: number, byteLength: number): SharedMemoryMapping | null;
};

/**
 * Memory of a GPU. Its calls stand still until the driver has copied: the driver's context belongs to
 * the thread, so that the threads of the pool cannot do it.
 */
export class CudaRegionMemory implements RegionMemory {
  readonly #memory: CudaMemory;

  constructor(memory: CudaMemory) {
    this.#memory = memory;
  }

  get byteSize(): number {
    return this.#memory.byteSize;
  }

  isSame(other: RegionMemory): boolean {
    return this === other;
  }

  read(target: Uint8Array, offset: number): number {
    this.#memory.read(target, offset);
    return target.byteLength;
  }

  async readOnThread(target: Uint8Array, offset: number): Promise<number> {
    return this.read(target, offset);
  }

  write(source: Uint8Array, offset: number): void {
    this.#memory.write(source, offset);
  }

  async writeOnThread(source: Uint8Array, offset: number): Promise<void> {
    this.#memory.write(source, offset);
  }

  /** The processor does not reach it. */
  map(): null {
    return null;
  }

  close(): void {
    this.#memory.close();
  }
}
