/**
 * Processor time of this process in a synchronous action, in milliseconds. What grows beyond all measure shows in it as
 * it does on a clock, and what else the machine does in the meantime does not.
 */
export function cpuTimeMs(action: () => void): number {
  const begin = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}
