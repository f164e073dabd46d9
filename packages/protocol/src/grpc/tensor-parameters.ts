import type { SharedMemoryRange } from '../infer/infer-request-message.ts';
import { TritonError } from '../triton-error.ts';
import type { InferParameter } from './infer-parameter.ts';
import type { WireParameters } from './infer-request-wire.ts';

/**
 * Where in shared memory a tensor lies; null where its parameters name no region.
 * @throws TritonError INVALID_ARG with the texts of Triton's gRPC front end.
 */
export function sharedMemoryRange(
  parameters: WireParameters,
  tensorName: string,
): SharedMemoryRange | null {
  if (parameters === null) return null;
  const region = regionName(parameters, tensorName);
  const offset = sharedMemoryNumber(parameters, 'shared_memory_offset', region, tensorName);
  const byteSize = sharedMemoryNumber(parameters, 'shared_memory_byte_size', region, tensorName);
  if (region === null) return null;
  if (byteSize === null) {
    throw new TritonError(
      'INVALID_ARG',
      `'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '${tensorName}'`,
    );
  }
  return { region, offset: offset ?? 0, byteSize };
}

function regionName(
  parameters: ReadonlyMap<string, InferParameter>,
  tensorName: string,
): string | null {
  const parameter = parameters.get('shared_memory_region');
  if (parameter === undefined) return null;
  if (parameter.kind === 'string') return parameter.value;
  throw wrongType('shared_memory_region', tensorName, 'string_param.');
}

/** @returns Null where it is absent. @throws TritonError where it stands without a region. */
function sharedMemoryNumber(
  parameters: ReadonlyMap<string, InferParameter>,
  name: string,
  region: string | null,
  tensorName: string,
): number | bigint | null {
  const parameter = parameters.get(name);
  if (parameter === undefined) return null;
  if (region === null) {
    throw new TritonError(
      'INVALID_ARG',
      `'${name}' can not be specified without 'shared_memory_region' parameter for tensor '${tensorName}'`,
    );
  }
  if (parameter.kind === 'int64') return parameter.value;
  throw wrongType(name, tensorName, 'int64_param.');
}

function wrongType(name: string, tensorName: string, expected: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `invalid value type for '${name}' parameter for tensor '${tensorName}', expected ${expected}`,
  );
}

/**
 * How many classes an output is wanted as; 0 where the tensor itself is.
 * @throws TritonError INVALID_ARG with the texts of Triton's gRPC front end.
 */
export function classificationCount(parameters: WireParameters): number {
  const parameter = parameters?.get('classification');
  if (parameter === undefined) return 0;
  if (parameter.kind !== 'int64') {
    throw new TritonError(
      'INVALID_ARG',
      "invalid value type for 'classification' parameter, expected int64_param",
    );
  }
  if (parameter.value <= 0) {
    throw new TritonError(
      'INVALID_ARG',
      "invalid value for 'classification' parameter, expected >= 0",
    );
  }
  // Triton keeps 32 bits of it.
  return Number(BigInt.asUintN(32, BigInt(parameter.value)));
}
