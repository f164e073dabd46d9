import type { InferRequestMessage, Tensor } from '@nereid/protocol';
import type { OutputMemory } from '../core/infer-request.ts';
import type { SharedMemoryUse, SharedOutput } from '../memory/shared-memory-use.ts';
import { requestedOutput } from './answer-outputs.ts';

/** Where the client wants outputs, for a model that can write them there; null where it wants none. */
export function sharedOutputMemory(
  message: InferRequestMessage,
  memory: SharedMemoryUse,
): OutputMemory | null {
  if (!message.outputs.some(({ sharedMemory }) => sharedMemory !== null)) return null;
  return (name, dataType, byteLength) => {
    const requested = requestedOutput(message, name);
    if (requested === null || requested.sharedMemory === null) return null;
    if (requested.classificationCount > 0) return null;
    return memory.outputMemory(requested.sharedMemory, dataType, byteLength);
  };
}

/**
 * Writes the outputs that the client wants in shared memory to their places; front ends leave them
 * out of what they send. Null when that is done, a promise where it takes long.
 *
 * @throws TritonError as `SharedMemoryUse.write`; a promise rejects with it.
 */
export function writeSharedOutputs(
  outputs: readonly Tensor[],
  message: InferRequestMessage,
  memory: SharedMemoryUse,
): Promise<void> | null {
  if (!message.outputs.some(({ sharedMemory }) => sharedMemory !== null)) return null;
  const shared: SharedOutput[] = [];
  for (const { name, data } of outputs) {
    const range = requestedOutput(message, name)?.sharedMemory ?? null;
    if (range !== null) shared.push({ name, range, data });
  }
  return memory.write(shared);
}
