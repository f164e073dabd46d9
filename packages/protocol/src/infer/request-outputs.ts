import {
  accessError,
  type JsonValue,
  jsonBoolean,
  jsonMember,
  jsonString,
  jsonUint64,
  requiredMember,
} from '../json/json-value.ts';
import { TritonError } from '../triton-error.ts';
import { cString } from './c-string.ts';
import type { RequestedOutput, SharedMemoryLookup } from './infer-request-message.ts';
import { readSharedMemoryRange } from './shared-memory-range.ts';

/**
 * Reads the `outputs` of a request; absent, all outputs are meant. Naming one twice is the same as
 * naming it once.
 *
 * @param context.sharedMemory called for every use of a region.
 * @throws TritonError with the texts and in the order of Triton's HTTP front end.
 */
export function readRequestedOutputs(
  value: JsonValue | undefined,
  context: { readonly sharedMemory: SharedMemoryLookup },
): readonly RequestedOutput[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw accessError("Unable to parse 'outputs': attempt to access JSON non-array as array");
  }
  const outputs = new Map<string, RequestedOutput>();
  for (const element of value) {
    const output = readOutput(element);
    if (output.sharedMemory !== null) context.sharedMemory(output.sharedMemory, 'output');
    if (!outputs.has(output.name)) outputs.set(output.name, output);
  }
  return [...outputs.values()];
}

function readOutput(output: JsonValue): RequestedOutput {
  const parameters = jsonMember(output, 'parameters') ?? null;
  const classes = jsonMember(parameters, 'classification');
  const binaryData = jsonMember(parameters, 'binary_data');
  const shared = jsonMember(parameters, 'shared_memory_region') !== undefined;
  if (shared && classes !== undefined) throw bothError('classification');
  if (
    shared &&
    binaryData !== undefined &&
    jsonBoolean(binaryData, "Unable to set 'binary_data'")
  ) {
    throw bothError('binary_data');
  }
  const name = jsonString(
    requiredMember(output, 'name', "Unable to parse 'name'"),
    "Unable to parse 'name'",
  );
  const count = classes === undefined ? 0 : jsonUint64(classes, "Unable to set 'classification'");
  const sharedMemory = readSharedMemoryRange(parameters);
  const binary =
    sharedMemory === null &&
    binaryData !== undefined &&
    jsonBoolean(binaryData, "Unable to parse 'binary_data'");
  return {
    name: cString(name),
    binary,
    // Triton keeps 32 bits of it.
    classificationCount: Number(BigInt.asUintN(32, BigInt(count))),
    sharedMemory,
  };
}

function bothError(other: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `Output can't set both 'shared_memory_region' and '${other}'`,
  );
}
