import type { RequestParameters } from '@nereid/protocol';

/** As Triton's backends are told: 1 for the start of a sequence, 2 for its end, 3 for both. */
export function sequenceFlags({
  sequenceStart,
  sequenceEnd,
}: Pick<RequestParameters, 'sequenceStart' | 'sequenceEnd'>): number {
  return (sequenceStart ? 1 : 0) + (sequenceEnd ? 2 : 0);
}
