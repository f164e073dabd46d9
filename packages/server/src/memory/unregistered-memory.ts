import { type SharedMemoryRange, TritonError } from '@nereid/protocol';

/*
 * Shared memory is off, as Triton's is unless --allow-client-shm=true: nothing can be registered, so
 * that nothing is ever found. What both front ends answer then.
 */

/** Of an attempt to register or unregister a region. */
export function sharedMemoryDisabled(): TritonError {
  return new TritonError(
    'UNSUPPORTED',
    "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
  );
}

/** Of a question for the status of one region. */
export function regionNotFound(kind: 'system' | 'cuda', region: string): TritonError {
  return new TritonError('NOT_FOUND', `Unable to find ${kind} shared memory region: '${region}'`);
}

/** Of an inference that names a region. */
export function refuseSharedMemory({ region }: SharedMemoryRange): never {
  throw new TritonError('NOT_FOUND', `Unable to find shared memory region: '${region}'`);
}
