import type { Execution } from '../../core/execution.ts';

/**
 * Calls back when nobody waits for a batch any more: when all of its requests are cancelled. A request
 * that gives up alone changes nothing for the others.
 *
 * @returns What to call when the batch has ended.
 */
export function onBatchCancelled(
  executions: readonly Execution[],
  callback: () => void,
): () => void {
  let waiting = executions.length;
  const listener = (): void => {
    if (--waiting === 0) callback();
  };
  for (const { request } of executions) request.cancellation.onCancel(listener);
  return () => {
    for (const { request } of executions) request.cancellation.offCancel(listener);
  };
}
