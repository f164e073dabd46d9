import { type JsonValue, jsonMember, jsonString, jsonUint64 } from '../json/json-value.ts';
import { cString } from './c-string.ts';
import type { SharedMemoryRange } from './infer-request-message.ts';

/**
 * The shared-memory members of a tensor's `parameters`; null where they name no region. Offset and
 * size have to be numbers even then.
 *
 * @throws TritonError INTERNAL with Triton's texts.
 */
export function readSharedMemoryRange(parameters: JsonValue): SharedMemoryRange | null {
  if (parameters === null) return null;
  const member = jsonMember(parameters, 'shared_memory_region');
  const region =
    member === undefined ? null : jsonString(member, "Unable to parse 'shared_memory_region'");
  const offset = readSize(parameters, 'shared_memory_offset');
  const byteSize = readSize(parameters, 'shared_memory_byte_size');
  return region === null ? null : { region: cString(region), offset, byteSize };
}

function readSize(parameters: JsonValue, name: string): number | bigint {
  const value = jsonMember(parameters, name);
  return value === undefined ? 0 : jsonUint64(value, `Unable to parse '${name}'`);
}
