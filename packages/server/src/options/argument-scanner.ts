import { nearestFlag } from './nearest-flag.ts';
import type { OptionSpec } from './option-spec.ts';
import { optionByFlag, optionTable } from './option-table.ts';
import { checkKind, OptionError } from './option-value.ts';

/** One flag as it was given. `value` is '' for a switch. */
export interface GivenOption {
  readonly spec: OptionSpec;
  readonly value: string;
}

/**
 * Reads `--flag value` and `--flag=value`, and like getopt_long any beginning of a flag that is the
 * beginning of no other. Values are checked, not yet converted. Stops at --help, so that it works
 * beside whatever else is wrong.
 * @throws OptionError with one line that names the argument
 */
export function scanArguments(argv: readonly string[]): readonly GivenOption[] {
  const given: GivenOption[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (!argument.startsWith('--') || argument === '--') {
      throw new OptionError(`Unexpected argument: ${shown(argument)}. Flags begin with --`);
    }
    const equals = argument.indexOf('=');
    const spec = specOf(equals < 0 ? argument.slice(2) : argument.slice(2, equals));
    if (spec.kind === 'switch') {
      if (equals >= 0) throw new OptionError(`option '--${spec.flag}' doesn't allow an argument`);
      given.push({ spec, value: '' });
      if (spec.flag === 'help') return given;
      continue;
    }
    if (equals < 0) index++;
    const value = equals < 0 ? argv[index] : argument.slice(equals + 1);
    if (value === undefined) throw new OptionError(`option '--${spec.flag}' requires an argument`);
    checkValue(spec, value);
    given.push({ spec, value });
  }
  return given;
}

function specOf(name: string): OptionSpec {
  const exact = optionByFlag.get(name);
  if (exact !== undefined) return exact;
  const candidates = name === '' ? [] : optionTable.filter((spec) => spec.flag.startsWith(name));
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length > 1) {
    const flags = candidates.map((spec) => `--${spec.flag}`).join(', ');
    throw new OptionError(`option '--${shown(name)}' is ambiguous: it may be ${flags}`);
  }
  const nearest = nearestFlag(name, optionByFlag.keys());
  const advice =
    nearest === null ? 'See --help for the flags there are' : `Did you mean --${nearest}?`;
  throw new OptionError(`unrecognized option '--${shown(name)}'. ${advice}`);
}

function checkValue(spec: OptionSpec, value: string): void {
  let problem: string | null;
  try {
    checkKind(spec.kind, value);
    problem = spec.check === null ? null : spec.check(value);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    problem = error.message;
  }
  if (problem !== null) throw new OptionError(`Bad option: "--${spec.flag}". ${shown(problem)}`);
}

/** Control characters of an argument must not reach the terminal, nor an endless argument. */
function shown(text: string): string {
  const charactersMax = 1000;
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
  return cut.replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
