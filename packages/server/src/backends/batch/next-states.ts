import { TritonError } from '@nereid/protocol';
import type { Execution } from '../../core/execution.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import type { BatchOutput } from './split-output.ts';

/**
 * Hands the states that a batch computed to the sequences of its requests, copied: the batch's memory
 * is used again.
 *
 * @param outputs In the order of the batch's `outputNames`.
 * @returns For each execution what went wrong, or null.
 */
export function keepNextStates(
  executions: readonly Execution[],
  batch: GatheredBatch,
  outputs: readonly BatchOutput[],
): readonly (TritonError | null)[] {
  const failures: (TritonError | null)[] = executions.map(() => null);
  for (const name of batch.stateNames) {
    const parts = batch.partsOf(name, outputs);
    for (const [index, { states }] of executions.entries()) {
      if (states == null || failures[index] !== null) continue;
      failures[index] = keep(states, name, parts[index] as (typeof parts)[number]);
    }
  }
  return failures;
}

function keep(
  states: NonNullable<Execution['states']>,
  name: string,
  part: ReturnType<GatheredBatch['partsOf']>[number],
): TritonError | null {
  if (part instanceof TritonError) return part;
  const { dataType, shape, data } = part;
  try {
    states.allocate(name, dataType, shape, data.byteLength).set(data);
    states.commit(name);
    return null;
  } catch (error) {
    if (error instanceof TritonError) return error;
    throw error;
  }
}
