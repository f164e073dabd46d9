import type { RequestParameters } from '@nereid/protocol';

/** A sequence's id in one model: unsigned, or text. One value for each id, fit for a map's key. */
export type CorrelationId = number | bigint | string;

/** @returns Null where the request is part of no sequence: without an id, or with 0 or '' for one. */
export function correlationIdOf({ sequenceId }: RequestParameters): CorrelationId | null {
  if (sequenceId === null || sequenceId === '') return null;
  if (typeof sequenceId === 'string') return sequenceId;
  const id = typeof sequenceId === 'bigint' ? smallest(sequenceId) : sequenceId;
  return id === 0 ? null : id;
}

/** The same id as number and as bigint would be two keys. */
function smallest(id: bigint): number | bigint {
  return id <= Number.MAX_SAFE_INTEGER ? Number(id) : id;
}
