import { LinearPattern } from '../core/pattern/linear-pattern.ts';
import { PatternError } from '../core/pattern/pattern-error.ts';
import { OptionError, parseInteger, parseNumber } from './option-value.ts';

/** `[name,]key=value` taken apart; `name` is '' when there is none. */
export interface NamedSetting {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** One `--http-restricted-api` or `--grpc-restricted-protocol` group. */
export interface Restriction {
  readonly categories: readonly ApiCategory[];
  readonly key: string;
  readonly value: string;
}

/** What the endpoints are divided into, to be restricted. */
export type ApiCategory =
  | 'health'
  | 'metadata'
  | 'inference'
  | 'shared-memory'
  | 'model-config'
  | 'model-repository'
  | 'statistics'
  | 'trace'
  | 'logging';

/** In Triton's order. */
export const restrictedCategories: readonly ApiCategory[] = [
  'health',
  'metadata',
  'inference',
  'shared-memory',
  'model-config',
  'model-repository',
  'statistics',
  'trace',
  'logging',
];

/**
 * A setting as it may be shown: without what follows the name of a password, a key or the like. The text
 * of an error goes to logs that more people read than may know those.
 */
export function withoutSecrets(text: string): string {
  return text.replace(/((?:pass|secret|token|key|credential)[^=]*=).*/is, '$1***');
}

/** How the name before the comma is treated. */
type NameRule = 'optional' | 'required';

/**
 * Splits `[name,]key=value` at the first comma and the first equals sign after it, as Triton does
 * (so `key=a,b` is read as name `key=a`: names come first).
 * @throws OptionError
 */
export function parseNamedSetting(
  flag: string,
  what: string,
  rule: NameRule,
  text: string,
): NamedSetting {
  const comma = text.indexOf(',');
  const format =
    rule === 'required'
      ? `<${what} name>,<setting>=<value>`
      : `<${what} name>,<setting>=<value> or <setting>=<value>`;
  if (comma === 0 || (comma < 0 && rule === 'required')) {
    throw new OptionError(
      `No ${what} specified. --${flag} option format is ${format}. Got ${withoutSecrets(text)}`,
    );
  }
  const equals = text.indexOf('=', comma + 1);
  const key = text.slice(comma + 1, Math.max(equals, 0));
  const value = text.slice(equals + 1);
  if (equals < 0 || key === '' || value === '') {
    throw new OptionError(
      `--${flag} option format is '<${what} name>,<setting>=<value>'. Got ${withoutSecrets(text)}`,
    );
  }
  return { name: comma < 0 ? '' : text.slice(0, comma), key, value };
}

/** Splits `key=value`, where the key has no comma. @throws OptionError */
export function parseMetricsSetting(text: string): { key: string; value: string } {
  const equals = text.indexOf('=');
  const key = text.slice(0, Math.max(equals, 0));
  const value = text.slice(equals + 1);
  if (equals < 0 || key === '' || value === '' || key.includes(',')) {
    throw new OptionError(`--metrics-config option format is <setting>=<value>. Got ${text}`);
  }
  return { key, value };
}

/** Splits `category[,category…]:key=value`. @throws OptionError */
export function parseRestriction(flag: string, what: string, text: string): Restriction {
  const colon = text.indexOf(':');
  const equals = text.indexOf('=', colon + 1);
  const key = text.slice(colon + 1, Math.max(equals, 0));
  const value = text.slice(equals + 1);
  if (colon <= 0 || equals < 0 || key === '' || value === '') {
    throw new OptionError(
      `--${flag} option format is '<config name>:<setting>=<value>'. Got ${text.replace(/=.*/s, '=***')}`,
    );
  }
  const categories = text.slice(0, colon).split(',');
  for (const category of categories) {
    if (!isCategory(category)) {
      throw new OptionError(`unknown restricted ${what} '${category}'`);
    }
  }
  return { categories: categories.filter(isCategory), key, value };
}

function isCategory(text: string): text is ApiCategory {
  return (restrictedCategories as readonly string[]).includes(text);
}

/** Turns a parser into a check of a row of the option table. */
export function readableBy(parse: (text: string) => unknown): (value: string) => string | null {
  return (value) => {
    try {
      parse(value);
      return null;
    } catch (error) {
      if (error instanceof OptionError) return error.message;
      throw error;
    }
  };
}

/** An origin as browsers send it, or `*`. */
export function webOrigin(flag: string): (value: string) => string | null {
  return (value) => {
    if (value === '*' || (URL.canParse(value) && new URL(value).origin === value)) return null;
    return `--${flag} is the scheme, host and port of a page without anything after, as https://example.com:8443, or *. Got ${value}`;
  };
}

/** A regular expression for the names of headers. */
export function headerPattern(flag: string): (value: string) => string | null {
  return (value) => {
    try {
      new LinearPattern(value, true);
      return null;
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      return `--${flag} is no pattern that can be used: ${error.message}. Got ${value}`;
    }
  };
}

/** Two numbers with `delimiter` between them; the second one may be a fraction when `fraction`. */
export function numberPair(delimiter: string, fraction = false): (value: string) => string | null {
  return readableBy((text) => {
    const at = text.indexOf(delimiter);
    if (at < 0) {
      throw new OptionError(
        'Cannot parse pair option due to incorrect number of inputs.' +
          `--<pair option> argument requires format <first>${delimiter}<second>. Found: ${text}`,
      );
    }
    parseInteger(text.slice(0, at));
    const second = text.slice(at + delimiter.length);
    if (fraction) parseNumber(second);
    else parseInteger(second);
  });
}

/** One `--rate-limit-resource`: how much of a resource there is. */
export interface ResourceLimit {
  /** In lower case. */
  readonly name: string;
  readonly count: number;
  /** Null for each device. */
  readonly device: number | null;
}

/** Reads `<resource>:<count>[:<device>]`. A device of -1 is each. @throws OptionError */
export function parseResourceLimit(text: string): ResourceLimit {
  const parts = text.split(':');
  if (parts.length !== 2 && parts.length !== 3) {
    throw new OptionError(
      '--rate-limit-resource option format is ' +
        "'<resource_name>:<count>:<device>' or '<resource_name>:<count>'. " +
        `Got ${text}`,
    );
  }
  const [count = 0, device = -1] = parts.slice(1).map(parseInteger);
  // Triton makes an unsigned number of it, which is more than anything needs.
  const least = count < 0 ? Number.MAX_SAFE_INTEGER : count;
  const name = (parts[0] as string).toLowerCase();
  return { name, count: least, device: device === -1 ? null : device };
}

/** Of two limits of one resource on one device the smaller one counts. */
export function resourceLimits(texts: readonly string[]): readonly ResourceLimit[] {
  const limits = new Map<string, ResourceLimit>();
  for (const limit of texts.map(parseResourceLimit)) {
    const key = `${limit.device}:${limit.name}`;
    if (limit.count <= (limits.get(key)?.count ?? limit.count)) limits.set(key, limit);
  }
  return [...limits.values()];
}
