import type { Clock } from '../core/clock.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import { type CallerPlace, callerPlace } from './caller-place.ts';
import { type LogDestination, openLogFile, streamDestination } from './log-destination.ts';
import {
  escapeMessage,
  fieldText,
  jsonLine,
  type LogFormat,
  type LogLevel,
  preamble,
  visibleText,
} from './log-line.ts';

/** How a log starts out. `options/` compiles it from the command line. */
export interface LogConfiguration {
  readonly info: boolean;
  readonly warning: boolean;
  readonly error: boolean;
  /** Verbose messages up to this level are written; 0 for none. */
  readonly verboseLevel: number;
  readonly format: LogFormat;
  /** Path to append to; '' for the console. */
  readonly file: string;
  /** Messages are quoted as JSON strings. */
  readonly escapeMessages: boolean;
}

/** What can be changed while the server runs; changes take effect with the next message. */
export interface LogSettings {
  info: boolean;
  warning: boolean;
  error: boolean;
  verboseLevel: number;
  format: LogFormat;
}

/**
 * The server's log. Makes one Logger for each part of the server; all of them share the settings
 * and the destinations. A destination that fails loses lines, never the server.
 */
export class Log {
  readonly settings: LogSettings;
  /** Path of the log file, '' for the console. It stays what it is, as over Triton's endpoints. */
  readonly file: string;
  readonly #clock: Clock;
  readonly #escape: boolean;
  readonly #out: LogDestination;
  readonly #err: LogDestination;

  /**
   * Owns the destinations from here on.
   * @param out gets verbose and info messages
   * @param err gets warnings and errors; the same as `out` for a log file
   */
  constructor(options: LogConfiguration, clock: Clock, out: LogDestination, err: LogDestination) {
    const { info, warning, error, verboseLevel, format } = options;
    this.settings = { info, warning, error, verboseLevel, format };
    this.file = options.file;
    this.#clock = clock;
    this.#escape = options.escapeMessages;
    this.#out = out;
    this.#err = err;
  }

  /** A logger whose lines begin with the file and line that they come from, or with `source` where that cannot be told. */
  logger(source: string): Logger {
    const { settings } = this;
    const write = this.#write.bind(this);
    const logger: Logger = {
      error(message) {
        if (settings.error) write('E', callerPlace(logger.error, source), message);
      },
      warning(message) {
        if (settings.warning) write('W', callerPlace(logger.warning, source), message);
      },
      info(message, fields) {
        if (settings.info) write('I', callerPlace(logger.info, source), message, fields);
      },
      verbose(level, message) {
        if (settings.verboseLevel < level) return;
        write('I', callerPlace(logger.verbose, source), message);
      },
      isVerbose: (level) => settings.verboseLevel >= level,
      table: (heading, lines) => {
        if (settings.info) this.#writeTable(callerPlace(logger.table, source), heading, lines);
      },
    };
    return logger;
  }

  /** Closes the log file. Messages after that are lost. */
  close(): void {
    this.#out.close();
    this.#err.close();
  }

  /** What is written from now on goes to a new file where the old one was moved away. */
  reopen(): void {
    for (const destination of new Set([this.#out, this.#err])) destination.reopen();
  }

  #write(
    level: LogLevel,
    { file, line }: CallerPlace,
    message: string,
    fields: LogFields = noFields,
  ): void {
    const { format } = this.settings;
    const wallMs = this.#clock.wallMs();
    let text: string;
    if (format === 'json') {
      text = jsonLine(level, wallMs, process.pid, file, line, message, fields);
    } else {
      const whole = message + fieldText(fields);
      const shown = this.#escape ? escapeMessage(whole) : visibleText(whole);
      text = preamble(format, level, wallMs, process.pid, file, line) + shown;
    }
    (level === 'I' ? this.#out : this.#err).write(`${text}\n`);
  }

  /** Triton's tables begin on a line of their own, are not escaped, and end in an empty line. */
  #writeTable(place: CallerPlace, heading: string, lines: readonly string[]): void {
    const { format } = this.settings;
    if (format === 'json') {
      this.#write('I', place, [heading, ...lines].join('\n').trimStart());
      return;
    }
    const text = this.#escape ? escapeMessage : visibleText;
    const head = heading === '' ? '' : text(heading);
    const start = preamble(format, 'I', this.#clock.wallMs(), process.pid, place.file, place.line);
    this.#out.write(`${start}${[head, ...lines.map(visibleText), ''].join('\n')}\n`);
  }
}

const noFields: LogFields = {};

/**
 * Opens the log that the options ask for: the file, or standard output for information and standard
 * error for the rest.
 * @throws Error of the file system when the log file cannot be opened
 */
export function openLog(options: LogConfiguration, clock: Clock): Log {
  if (options.file !== '') {
    const file = openLogFile(options.file);
    return new Log(options, clock, file, file);
  }
  return new Log(
    options,
    clock,
    streamDestination(process.stdout),
    streamDestination(process.stderr),
  );
}
