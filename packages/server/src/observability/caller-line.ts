/**
 * The line in its file from which `callee` was called, 0 when it cannot be told. Costs a stack
 * capture of one frame: for lines that are really written.
 */
export function callerLine(callee: (...args: never[]) => unknown): number {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  Error.stackTraceLimit = limit;
  const match = /:(\d+):\d+\)?$/.exec(holder.stack ?? '');
  return match === null ? 0 : Number(match[1]);
}
