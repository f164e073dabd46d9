import { TritonError } from '@nereid/protocol';
import type { LogSettings } from '../observability/log.ts';
import type { LogFormat } from '../observability/log-line.ts';

/** What a client is told of the log. */
export interface LogStatus extends Readonly<LogSettings> {
  /** '' for the console. */
  readonly file: string;
}

/** What a client wants changed. Null leaves a setting as it is. */
export interface LogChange {
  /** True where it names a file, whichever: that is refused. */
  readonly file: boolean;
  readonly info: boolean | null;
  readonly warning: boolean | null;
  readonly error: boolean | null;
  /** From 0 to 2^64 - 1; Triton keeps 32 bits of it, as a signed number. */
  readonly verboseLevel: number | bigint | null;
  readonly format: LogFormat | null;
}

/** The part of the log that is seen and changed over the network. */
export interface ControlledLog {
  readonly settings: LogSettings;
  readonly file: string;
}

/** The log extension, the same for every front end. */
export class LogControl {
  readonly #log: ControlledLog;

  constructor(log: ControlledLog) {
    this.#log = log;
  }

  status(): LogStatus {
    return { ...this.#log.settings, file: this.#log.file };
  }

  /**
   * Changes the settings, all or none; in effect from the next message on.
   * @throws TritonError UNSUPPORTED for the file: a client must not choose what the server writes to.
   */
  change({ file, info, warning, error, verboseLevel, format }: LogChange): void {
    if (file) {
      throw new TritonError(
        'UNSUPPORTED',
        'log file location can not be updated through network protocol',
      );
    }
    const { settings } = this.#log;
    if (info !== null) settings.info = info;
    if (warning !== null) settings.warning = warning;
    if (error !== null) settings.error = error;
    if (verboseLevel !== null) {
      settings.verboseLevel = Number(BigInt.asIntN(32, BigInt(verboseLevel)));
    }
    if (format !== null) settings.format = format;
  }
}

/** A format by its name on the wire; null for none. What to answer then differs between the wires. */
export function logFormatOf(text: string): LogFormat | null {
  return text === 'default' || text === 'ISO8601' ? text : null;
}
