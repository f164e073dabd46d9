import {
  type CudaDriver,
  type CudaMemory,
  cudaDriver,
  pageBytes,
  SharedMemoryObject,
} from '@nereid/native';
import { TritonError } from '@nereid/protocol';
import type { Logger } from '../core/logger.ts';
import { CudaRegionMemory } from './region-memory.ts';
import {
  type CudaRegionStatus,
  SharedMemoryRegion,
  type SharedMemoryRegionStatus,
} from './shared-memory-region.ts';
import { type RegionHolder, SharedMemoryUse } from './shared-memory-use.ts';

/** Each region holds a file descriptor, of which connections need some too. */
const regionsMax = 4096;
/** Of the python backend's own shared memory, in Triton. */
const reservedPrefix = 'triton_python_backend_shm_region_';

export interface SharedMemoryRegistryOptions {
  /** `--allow-client-shm`. */
  readonly allowed: boolean;
  readonly logger: Logger;
  /** Asked when a region of a GPU is registered; throws where there is none. Default: the machine's own. */
  readonly cuda?: () => CudaDriver;
}

/** The shared memory that clients have registered, the same for every front end. */
export class SharedMemoryRegistry implements RegionHolder {
  readonly #options: SharedMemoryRegistryOptions;
  readonly #regions = new Map<string, SharedMemoryRegion>();
  copiedBytes = 0;
  mappedBytes = 0;

  constructor(options: SharedMemoryRegistryOptions) {
    this.#options = options;
  }

  /** @throws TritonError UNSUPPORTED with Triton's text unless `--allow-client-shm` is on. */
  requireAllowed(): void {
    if (this.#options.allowed) return;
    throw new TritonError(
      'UNSUPPORTED',
      "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
    );
  }

  /**
   * Registers a part of a POSIX shared-memory object. Several regions may lie on one object, and overlap.
   *
   * @param offset Unsigned, a multiple of the page size, as Triton maps the region.
   * @param byteSize Unsigned, at least 1.
   * @throws TritonError with Triton's texts.
   */
  registerSystem(
    name: string,
    key: string,
    offset: number | bigint,
    byteSize: number | bigint,
  ): void {
    this.requireAllowed();
    // C ends a text at its first NUL.
    const cKey = key.split('\0', 1)[0] as string;
    refuseKey(name, cKey);
    this.#requireNew(name);
    const object = this.#open(cKey);
    try {
      const status = { name, key: cKey, offset: Number(offset), byteSize: Number(byteSize) };
      refuseRange(status, object.byteSize);
      this.#regions.set(name, new SharedMemoryRegion(status, object));
    } catch (failure) {
      object.close();
      throw failure;
    }
  }

  /**
   * Registers memory of a GPU that the client has allocated.
   *
   * @param handle What `cudaIpcGetMemHandle` gave the client.
   * @throws TritonError with Triton's texts, which tell no more where there is no GPU: the log does.
   */
  registerCuda(
    name: string,
    handle: Uint8Array,
    deviceId: number,
    byteSize: number | bigint,
  ): void {
    this.requireAllowed();
    this.#requireNew(name);
    const memory = this.#openCuda(handle, deviceId);
    if (byteSize > memory.byteSize || byteSize < 0) {
      this.#closeMemory(name, memory);
      throw new TritonError(
        'INVALID_ARG',
        `failed to register shared memory region '${name}': invalid args`,
      );
    }
    const status = { name, key: '', offset: 0, byteSize: Number(byteSize) };
    const region = new SharedMemoryRegion(status, new CudaRegionMemory(memory), deviceId);
    this.#regions.set(name, region);
  }

  /**
   * @param name '' for all, sorted by name.
   * @throws TritonError NOT_FOUND.
   */
  systemStatus(name: string): readonly SharedMemoryRegionStatus[] {
    if (name === '') return this.#sorted(({ deviceId }) => deviceId === null);
    const region = this.#regions.get(name);
    if (region === undefined) {
      throw new TritonError('NOT_FOUND', `Unable to find system shared memory region: '${name}'`);
    }
    if (region.deviceId === null) return [region];
    throw new TritonError(
      'NOT_FOUND',
      `The region named '${name}' is registered as CUDA shared memory, not system shared memory`,
    );
  }

  /**
   * @param name '' for all, sorted by name.
   * @throws TritonError NOT_FOUND.
   */
  cudaStatus(name: string): readonly CudaRegionStatus[] {
    if (name === '') {
      return this.#sorted(({ deviceId }) => deviceId !== null) as readonly CudaRegionStatus[];
    }
    const region = this.#regions.get(name);
    if (region === undefined) {
      throw new TritonError('NOT_FOUND', `Unable to find cuda shared memory region: '${name}'`);
    }
    if (region.deviceId !== null) return [region as CudaRegionStatus];
    throw new TritonError(
      'NOT_FOUND',
      `The region named '${name}' is registered as system shared memory, not CUDA shared memory`,
    );
  }

  /**
   * Takes a region back, or all of them for ''; names that are not registered are no error. A region
   * in use stays, and is found, until the requests in flight are answered.
   */
  unregisterSystem(name: string): void {
    this.requireAllowed();
    this.#unregister(name, (region) => region.deviceId === null);
  }

  /** The same for regions on GPUs. */
  unregisterCuda(name: string): void {
    this.requireAllowed();
    this.#unregister(name, (region) => region.deviceId !== null);
  }

  #unregister(name: string, isMeant: (region: SharedMemoryRegion) => boolean): void {
    const all = name === '';
    for (const region of all ? [...this.#regions.values()] : [this.#regions.get(name)]) {
      if (region === undefined || !isMeant(region)) continue;
      if (region.userCount === 0) {
        this.#remove(region);
      } else {
        region.awaitingUnregister = true;
        this.#options.logger.verbose(
          1,
          `Shared memory region '${region.name}' will be unregistered after in-flight requests complete.`,
        );
      }
    }
  }

  /**
   * What one request reads from regions and writes to them. Free until it names a region.
   * @param inPlace The model takes tensors in clients' own memory.
   */
  use(inPlace = false): SharedMemoryUse {
    return new SharedMemoryUse(this, inPlace);
  }

  find(name: string): SharedMemoryRegion {
    const region = this.#regions.get(name);
    if (region !== undefined) return region;
    throw new TritonError('NOT_FOUND', `Unable to find shared memory region: '${name}'`);
  }

  release(region: SharedMemoryRegion): void {
    region.userCount--;
    if (region.userCount === 0 && region.awaitingUnregister) this.#remove(region);
  }

  /** Gives every region back, those in use as soon as they are not. */
  close(): void {
    for (const region of [...this.#regions.values()]) {
      region.awaitingUnregister = true;
      if (region.userCount === 0) this.#remove(region);
    }
  }

  #remove(region: SharedMemoryRegion): void {
    this.#regions.delete(region.name);
    this.mappedBytes -= region.mappedBytes;
    this.#closeMemory(region.name, region);
  }

  #closeMemory(name: string, memory: { close(): void }): void {
    try {
      memory.close();
    } catch (failure) {
      const reason = (failure as Error).message;
      this.#options.logger.error(`failed to close shared memory region '${name}': ${reason}`);
    }
  }

  #sorted(isMeant: (region: SharedMemoryRegion) => boolean): SharedMemoryRegion[] {
    const regions = [...this.#regions.values()].filter(isMeant);
    return regions.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws TritonError ALREADY_EXISTS, UNAVAILABLE where there are too many. */
  #requireNew(name: string): void {
    if (this.#regions.has(name)) {
      throw new TritonError('ALREADY_EXISTS', `shared memory region '${name}' already in manager`);
    }
    if (this.#regions.size < regionsMax) return;
    throw new TritonError(
      'UNAVAILABLE',
      `failed to register shared memory region '${name}': ${regionsMax} regions are registered already`,
    );
  }

  #openCuda(handle: Uint8Array, deviceId: number): CudaMemory {
    try {
      return (this.#options.cuda ?? cudaDriver)().open(handle, deviceId);
    } catch (cause) {
      this.#options.logger.error(`failed to open CUDA IPC handle: ${(cause as Error).message}`);
      const text = 'failed to register shared memory region: invalid args';
      throw new TritonError('INVALID_ARG', text, { cause });
    }
  }

  #open(key: string): SharedMemoryObject {
    try {
      return SharedMemoryObject.open(key);
    } catch (cause) {
      this.#options.logger.verbose(1, `shm_open failed: ${(cause as Error).message}`);
      const text = `Unable to open shared memory region: '${key}'`;
      throw new TritonError('INTERNAL', text, { cause });
    }
  }
}

function refuseKey(name: string, key: string): void {
  const bare = key.replace(/^\/+/u, '');
  // The empty key is left to fail when it is opened, as in the recorded answers.
  if (bare === '' && key !== '') {
    throw new TritonError(
      'INVALID_ARG',
      `cannot register shared memory region '${name}' - invalid shm key '${key}'`,
    );
  }
  if (bare.startsWith(reservedPrefix)) {
    throw new TritonError(
      'INVALID_ARG',
      `cannot register shared memory region '${name}' with key '${key}' as the key contains the reserved prefix '${reservedPrefix}'`,
    );
  }
}

/** Sizes beyond 2^53 are not exact any more, and larger than any object all the same. */
function refuseRange(
  { name, offset, byteSize }: SharedMemoryRegionStatus,
  objectByteSize: number,
): void {
  const prefix = `failed to register shared memory region '${name}': `;
  if (offset < 0 || byteSize < 0 || offset + byteSize > objectByteSize) {
    throw new TritonError('INVALID_ARG', `${prefix}invalid args`);
  }
  if (byteSize === 0 || offset % pageBytes() !== 0) {
    // What mmap says, without a space before it as in Triton.
    throw new TritonError(
      'INVALID_ARG',
      `${prefix}unable to process address spaceInvalid argument`,
    );
  }
}
