import { pageBytes, SharedMemoryObject } from '@nereid/native';
import { TritonError } from '@nereid/protocol';
import type { Logger } from '../core/logger.ts';
import { SharedMemoryRegion, type SharedMemoryRegionStatus } from './shared-memory-region.ts';
import { type RegionHolder, SharedMemoryUse } from './shared-memory-use.ts';

/** Each region holds a file descriptor, of which connections need some too. */
const regionsMax = 4096;
/** Of the python backend's own shared memory, in Triton. */
const reservedPrefix = 'triton_python_backend_shm_region_';

export interface SharedMemoryRegistryOptions {
  /** `--allow-client-shm`. */
  readonly allowed: boolean;
  readonly logger: Logger;
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
    if (this.#regions.has(name)) {
      throw new TritonError('ALREADY_EXISTS', `shared memory region '${name}' already in manager`);
    }
    if (this.#regions.size >= regionsMax) {
      throw new TritonError(
        'UNAVAILABLE',
        `failed to register shared memory region '${name}': ${regionsMax} regions are registered already`,
      );
    }
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

  /** @throws TritonError always: there is no GPU whose memory could be opened. */
  registerCuda(name: string): never {
    this.requireAllowed();
    throw new TritonError(
      'INVALID_ARG',
      `failed to register CUDA shared memory region: '${name}', GPUs not supported`,
    );
  }

  /**
   * @param name '' for all, sorted by name.
   * @throws TritonError NOT_FOUND.
   */
  systemStatus(name: string): readonly SharedMemoryRegionStatus[] {
    if (name === '') {
      return [...this.#regions.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    }
    const region = this.#regions.get(name);
    if (region !== undefined) return [region];
    throw new TritonError('NOT_FOUND', `Unable to find system shared memory region: '${name}'`);
  }

  /** @param name '' for all: none. @throws TritonError NOT_FOUND for any other. */
  cudaStatus(name: string): readonly [] {
    if (name === '') return [];
    throw new TritonError(
      'NOT_FOUND',
      this.#regions.has(name)
        ? `The region named '${name}' is registered as system shared memory, not CUDA shared memory`
        : `Unable to find cuda shared memory region: '${name}'`,
    );
  }

  /**
   * Takes a region back, or all of them for ''; names that are not registered are no error. A region
   * in use stays, and is found, until the requests in flight are answered.
   */
  unregisterSystem(name: string): void {
    this.requireAllowed();
    const all = name === '';
    for (const region of all ? [...this.#regions.values()] : [this.#regions.get(name)]) {
      if (region === undefined) continue;
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

  /** There is nothing to take back. @throws TritonError UNSUPPORTED as `requireAllowed`. */
  unregisterCuda(): void {
    this.requireAllowed();
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
    region.close();
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
