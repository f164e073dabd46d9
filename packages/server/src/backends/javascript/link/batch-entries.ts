import { type DataType, dataTypes } from '@nereid/protocol/data-types';
import type { InferRequest } from '../../../core/infer-request.ts';
import type { NumberedRequest } from '../../worker/open-request.ts';
import { sequenceFlags } from '../../worker/sequence-flags.ts';
import type { TensorDescription, WorkerMessage } from '../../worker/worker-message.ts';
import { inlineBytesMax } from '../tensor-pack.ts';
import type { ThreadRequest } from '../thread-message.ts';
import type { EntrySender } from './link-end.ts';
import type { NamesTaken } from './link-names.ts';
import type { RingReader, RingWriter } from './shared-ring.ts';
import type { TensorMemory } from './tensor-memory.ts';

/** A tensor as it comes out of an entry, in memory of its own. */
export interface EntryTensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

type Result = Extract<WorkerMessage, { kind: 'result' }>;
type Execute = {
  readonly batch: number;
  readonly requests: readonly (Omit<ThreadRequest, 'inputs'> & {
    readonly inputs: readonly EntryTensor[];
  })[];
};

const typeNumbers: ReadonlyMap<string, number> = new Map(
  dataTypes.map((dataType, index) => [dataType, index]),
);

/**
 * Sends a batch by the ring.
 * @returns false where it has to go by the port: it is large, or has what entries have no place for
 */
export function sendBatch(
  end: EntrySender,
  batch: number,
  requests: readonly NumberedRequest[],
): boolean {
  const writer = end.begin();
  writer.number(batch);
  writer.number(requests.length);
  for (const { number, request } of requests) {
    const { sequenceId, timeoutUs, custom } = request.parameters;
    const correlationId = sequenceId ?? 0;
    if (custom.size > 0 || typeof correlationId !== 'number' || typeof timeoutUs !== 'number') {
      return false;
    }
    writer.number(number);
    writer.text(request.id);
    writer.number(request.batchSize);
    writer.number(correlationId);
    writer.number(sequenceFlags(request.parameters));
    writer.number(timeoutUs);
    writer.number(request.outputNames.length);
    for (const name of request.outputNames) {
      const nameNumber = end.nameNumber(name);
      if (nameNumber < 0) return false;
      writer.number(nameNumber);
    }
    const inputs = request.inputs as InferRequest['inputs'];
    writer.number(inputs.length);
    for (const { name, dataType, shape, data } of inputs) {
      if (!writeTensor(end, writer, name, dataType, shape, data)) return false;
    }
  }
  return end.commit();
}

/** Reads what `sendBatch` wrote. @throws Error for what it cannot have written */
export function readBatch(entry: RingReader, names: NamesTaken, memory: TensorMemory): Execute {
  const batch = entry.count();
  const requests = [];
  for (let left = entry.count(); left > 0; left--) {
    requests.push({
      number: entry.count(),
      id: entry.text(),
      batchSize: entry.count(),
      correlationId: entry.number(),
      flags: entry.count(),
      timeoutUs: entry.number(),
      parameters: null,
      outputNames: readNames(entry, names),
      inputs: readTensors(entry, names, memory),
    });
  }
  return { batch, requests };
}

/**
 * Sends the results of a batch by the ring, as `sendBatch` does.
 * @param tensors of all responses, one after the other
 * @param executeUs how long the model took, in microseconds
 */
export function sendResult(
  end: EntrySender,
  { batch, responses }: Result,
  tensors: readonly Uint8Array[],
  executeUs: number,
): boolean {
  const writer = end.begin();
  writer.number(batch);
  writer.number(executeUs);
  writer.number(responses.length);
  let next = 0;
  for (const response of responses) {
    if (response === null || !('tensors' in response) || response.parameters !== undefined) {
      return false;
    }
    const described = response.tensors as readonly TensorDescription[];
    writer.number(described.length);
    for (const [name, dataType, shape] of described) {
      const data = tensors[next++] as Uint8Array;
      if (!writeTensor(end, writer, name, dataType, shape, data)) return false;
    }
  }
  return end.commit();
}

/** Reads what `sendResult` wrote. @throws Error for what it cannot have written */
export function readResult(
  entry: RingReader,
  names: NamesTaken,
  memory: TensorMemory,
): { message: Result; executeUs: number } {
  const batch = entry.count();
  const executeUs = entry.number();
  const responses: { readonly outputs: readonly EntryTensor[] }[] = [];
  for (let left = entry.count(); left > 0; left--) {
    responses.push({ outputs: readTensors(entry, names, memory) });
  }
  return { message: { kind: 'result', batch, error: null, responses }, executeUs };
}

function writeTensor(
  end: EntrySender,
  writer: RingWriter,
  name: string,
  dataType: string,
  shape: readonly number[],
  data: Uint8Array,
): boolean {
  const nameNumber = end.nameNumber(name);
  if (data.byteLength > inlineBytesMax || nameNumber < 0) return false;
  writer.number(nameNumber);
  writer.number(typeNumbers.get(dataType) ?? -1);
  writer.number(shape.length);
  for (const size of shape) writer.number(size);
  writer.number(data.byteLength);
  writer.bytes(data);
  return true;
}

function readNames(entry: RingReader, names: NamesTaken): string[] {
  const found = [];
  for (let left = entry.count(); left > 0; left--) found.push(names.name(entry.number()));
  return found;
}

function readTensors(entry: RingReader, names: NamesTaken, memory: TensorMemory): EntryTensor[] {
  const tensors = [];
  for (let left = entry.count(); left > 0; left--) {
    const name = names.name(entry.number());
    const dataType = dataTypes[entry.number()];
    if (dataType === undefined) throw new Error(`tensor '${name}' has no data type`);
    const shape: number[] = [];
    for (let rank = entry.count(); rank > 0; rank--) shape.push(entry.count());
    const byteCount = entry.count();
    if (byteCount > inlineBytesMax) throw new Error(`tensor '${name}' is too large for an entry`);
    const data = memory.take(byteCount);
    entry.bytesInto(data);
    tensors.push({ name, dataType, shape, data });
  }
  return tensors;
}
