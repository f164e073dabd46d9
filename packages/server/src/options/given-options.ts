import type { GivenOption } from './argument-scanner.ts';
import { optionByFlag } from './option-table.ts';
import { parseBoolean, parseIntegerOrBoolean, parseNumber } from './option-value.ts';

/** The values of one command line: what was given, else what the option table has as default. */
export class GivenOptions {
  readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(given: readonly GivenOption[]) {
    const values = new Map<string, string[]>();
    for (const { spec, value } of given) {
      const flag = spec.aliasOf ?? spec.flag;
      const list = values.get(flag);
      if (list === undefined) values.set(flag, [value]);
      else list.push(value);
    }
    this.values = values;
  }

  has(flag: string): boolean {
    return this.values.has(flag);
  }

  /** Every value of a repeatable flag. */
  all(flag: string): readonly string[] {
    return this.values.get(flag) ?? [];
  }

  /** The last value given, else the default; null when there is neither. */
  textOrNull(flag: string): string | null {
    const spec = optionByFlag.get(flag);
    if (spec === undefined) throw new Error(`no such option: ${flag}`);
    return this.values.get(flag)?.at(-1) ?? spec.defaultText;
  }

  text(flag: string): string {
    const value = this.textOrNull(flag);
    if (value === null) throw new Error(`option without a default: ${flag}`);
    return value;
  }

  boolean(flag: string): boolean {
    return parseBoolean(this.text(flag));
  }

  integer(flag: string): number {
    return parseIntegerOrBoolean(this.text(flag));
  }

  number(flag: string): number {
    return parseNumber(this.text(flag));
  }
}
