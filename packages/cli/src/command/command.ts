import type { ParsedArguments } from './parsed-arguments.ts';

/** An option of a command, as `--name` or `--name VALUE`. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  /** May be given several times. */
  readonly multiple?: boolean;
  /** One letter, as in `-o`. */
  readonly short?: string;
  /** What stands for the value in the help: `NAME`. */
  readonly value?: string;
  /** One line, without a full stop. */
  readonly help: string;
  /** What a shell may complete the value with. */
  readonly completes?: Completes;
  /** Another name of an option that is in the help: it works, and is not listed. */
  readonly hidden?: boolean;
}

/** What a shell may offer: models of the repository, disabled ones, files, folders, or fixed words. */
export type Completes = 'models' | 'disabled-models' | 'files' | 'directories' | readonly string[];

/** An argument without a name. */
export interface PositionalSpec {
  /** As the help shows it: `MODEL`. */
  readonly name: string;
  readonly required: boolean;
  readonly multiple?: boolean;
  readonly completes?: Completes;
}

/** One command: what it takes and what it does. */
export interface Command {
  /** As it is typed, without `nereid`: `manage load-model`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the help says below the options: examples, statuses, formats. */
  readonly details?: string;
  readonly positionals: readonly PositionalSpec[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** @returns what the process ends with; nothing is 0. */
  run(given: ParsedArguments, context: CommandContext): Promise<number | undefined>;
}

/** Where a command writes to. */
export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width in characters; null where it has none. */
  readonly columns: number | null;
}

/** What a command may touch: passed in, so that tests need no process. */
export interface CommandContext {
  /** Results. */
  readonly stdout: Output;
  /** Progress, warnings and errors. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder in which it was called; relative paths begin there. */
  readonly directory: string;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}
