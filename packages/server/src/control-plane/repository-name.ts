import { TritonError } from '@nereid/protocol';

/**
 * Repositories cannot be told apart by name, in Triton neither.
 * @param name '' for none.
 * @throws TritonError UNSUPPORTED for any other.
 */
export function refuseRepositoryName(name: string): void {
  if (name === '') return;
  throw new TritonError('UNSUPPORTED', "'repository_name' specification is not supported");
}
