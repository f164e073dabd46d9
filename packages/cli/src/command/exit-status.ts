/** What the process ends with. Scripts rely on these: docs/manage.md lists them. */
export const exitStatus = {
  done: 0,
  /** The server refused, a download failed, a check found errors, configurations differ. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** No answer from the server. */
  unreachable: 3,
  /** The model, the version or the file that was named is not there. */
  notFound: 4,
  /** By SIGINT, as shells have it. */
  interrupted: 130,
} as const;

/** A failure that is told in one line, with what to do. */
export class CommandError extends Error {
  readonly status: number;

  constructor(message: string, status: number = exitStatus.failed, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CommandError';
    this.status = status;
  }
}

/** A command line that makes no sense. */
export function usageError(message: string): CommandError {
  return new CommandError(message, exitStatus.usage);
}

/** Something was named that is not there. */
export function notFoundError(message: string): CommandError {
  return new CommandError(message, exitStatus.notFound);
}
