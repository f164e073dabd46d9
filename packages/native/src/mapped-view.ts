import koffi from 'koffi';
import { systemMemory } from './system-memory.ts';

interface Mapping {
  readonly address: number;
  readonly byteLength: number;
  readonly unreferenced: () => void;
}

const mappings = new FinalizationRegistry<Mapping>(({ address, byteLength, unreferenced }) => {
  unreferenced();
  systemMemory().munmap(address, byteLength);
});

/**
 * Memory that was mapped, as an ArrayBuffer. It stays mapped as long as anything refers to that.
 *
 * @param unreferenced Called when nothing does any more, before the memory is unmapped. Must not refer to it.
 */
export function mappedView(
  address: number,
  byteLength: number,
  unreferenced: () => void = () => {},
): ArrayBuffer {
  const memory = koffi.view(BigInt(address), byteLength);
  mappings.register(memory, { address, byteLength, unreferenced });
  return memory;
}
