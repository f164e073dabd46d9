/** Set by the bundler, whose output has lines of its own that mean nothing to a reader. */
declare const NEREID_BUNDLED: boolean | undefined;

const bundled = typeof NEREID_BUNDLED !== 'undefined';

/**
 * The line from which `callee` was called, as log lines show it after the name of the file. Costs a
 * stack trace: only for lines that are written. 0 where the code is bundled.
 */
export function callerLine(callee: (...args: never[]) => unknown): number {
  if (bundled) return 0;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  Error.stackTraceLimit = limit;
  const match = /:(\d+):\d+\)?$/.exec(holder.stack ?? '');
  return match === null ? 0 : Number(match[1]);
}
