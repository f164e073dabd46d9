import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/**
 * Starts a process.
 *
 * @throws Error where the system has no file descriptors left: there are no streams then, and what Node says of
 *   that later, by an event that nobody could hear any more, would end this process.
 */
export function startProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(command, args, options);
  // The types do not know of that.
  if ((child.stdio as ChildProcess['stdio'] | undefined) !== undefined) return child;
  child.on('error', () => {});
  // The timer of `timeout` would keep this process from ending; no event ends it otherwise.
  child.emit('exit', null, null);
  throw new Error(`spawn ${command}: this process has too many files open`);
}
