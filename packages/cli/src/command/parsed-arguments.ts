import { usageError } from './exit-status.ts';

/** The values of a command line, by the names of the command's options. */
export class ParsedArguments {
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** The value of an option, null when it was not given; of several the last. */
  text(name: string): string | null {
    const value = this.#values[name];
    if (Array.isArray(value)) return (value.at(-1) as string | undefined) ?? null;
    return typeof value === 'string' ? value : null;
  }

  /** All values of an option that may be given several times. */
  list(name: string): readonly string[] {
    const value = this.#values[name];
    if (Array.isArray(value)) return value as string[];
    return typeof value === 'string' ? [value] : [];
  }

  /** @throws CommandError when it is no number from `min` to `max`. */
  number(name: string, otherwise: number, min: number, max: number): number {
    const text = this.text(name);
    if (text === null) return otherwise;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw usageError(`--${name} takes a number from ${min} to ${max}, not '${text}'`);
  }

  /** @throws CommandError when it is no whole number from `min` to `max`. */
  integer(name: string, otherwise: number, min: number, max: number): number {
    const value = this.number(name, otherwise, min, max);
    if (Number.isInteger(value)) return value;
    throw usageError(`--${name} takes a whole number, not '${this.text(name)}'`);
  }

  /** One of the words. @throws CommandError for any other. */
  choice<const Word extends string>(name: string, otherwise: Word, words: readonly Word[]): Word {
    const text = this.text(name) ?? otherwise;
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw usageError(`--${name} takes ${words.join(' or ')}, not '${text}'`);
  }
}
