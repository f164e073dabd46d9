/** Runs `action` while no other process runs one under the lock file `path`; gives its result. */
export function withFileLock<T>(path: string, action: () => T): T;
