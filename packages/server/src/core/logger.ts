/** What belongs to a message: members of the line in JSON, `name=value` behind the message elsewhere. */
export type LogFields = Readonly<Record<string, string | number>>;

/**
 * Where the server says what happens. Levels and their meaning are Triton's: verbose messages have
 * a level of their own (1 and up) and print as information.
 */
export interface Logger {
  error(message: string): void;
  warning(message: string): void;
  info(message: string, fields?: LogFields): void;
  verbose(level: number, message: string): void;
  /** True when a verbose message of this level would be written: ask before building a costly text. */
  isVerbose(level: number): boolean;
  /** Writes lines as they are, under one heading line: for tables. */
  table(heading: string, lines: readonly string[]): void;
}

/** Says nothing. For tests and for embedding. */
export const silentLogger: Logger = {
  error() {},
  warning() {},
  info() {},
  verbose() {},
  isVerbose: () => false,
  table() {},
};
