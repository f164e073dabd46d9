import { type ParameterValue, type RequestParameters, TritonError } from '@nereid/protocol';
import { LinearPattern } from '../core/pattern/linear-pattern.ts';

/** Distinct names whose answer is remembered: clients send the same again and again. */
const cachedNamesMax = 1024;
/** Longer names are not remembered, so that the memory is bounded. */
const cachedNameCharsMax = 128;

/** Parameters with a meaning of their own, which no header may take the place of. */
const reservedNames: ReadonlySet<string> = new Set([
  'sequence_id',
  'sequence_start',
  'sequence_end',
  'priority',
  'timeout',
  'headers',
  'binary_data_output',
]);

/** What forwards the headers that an option's pattern matches; null for '', which costs a request nothing. */
export function headerForwardingOf(pattern: string): HeaderForwarding | null {
  return pattern === '' ? null : new HeaderForwarding(pattern);
}

/**
 * `--http-header-forward-pattern` and `--grpc-header-forward-pattern`: hands headers on to the model
 * as parameters of its requests. Made once for each front end that has a pattern.
 */
export class HeaderForwarding {
  readonly #pattern: LinearPattern;
  readonly #cache = new Map<string, boolean>();

  /**
   * @param pattern RE2's syntax; it matches a part of a name, upper and lower case alike, as in Triton.
   * @throws PatternError
   */
  constructor(pattern: string) {
    this.#pattern = new LinearPattern(pattern, true);
  }

  /**
   * The parameters of a request with those of its headers that the pattern matches: their names as
   * sent, their values as text. A header takes the place of a parameter of the same name.
   *
   * @param headers Names and values, each byte a character.
   * @throws TritonError INVALID_ARG with Triton's text for a header with a reserved name.
   */
  forward(
    parameters: RequestParameters,
    headers: Iterable<readonly [name: string, value: string]>,
  ): RequestParameters {
    let custom: Map<string, ParameterValue> | null = null;
    for (const [name, value] of headers) {
      if (!this.#matches(name)) continue;
      if (reservedNames.has(name) || name.startsWith('triton_')) {
        throw new TritonError(
          'INVALID_ARG',
          `Header '${name}' is reserved for Triton usage and cannot be forwarded.`,
        );
      }
      custom ??= new Map(parameters.custom);
      const text = Buffer.from(value, 'latin1').toString('utf8');
      custom.set(name, { kind: 'string', value: text });
    }
    return custom === null ? parameters : { ...parameters, custom };
  }

  #matches(name: string): boolean {
    const cached = this.#cache.get(name);
    if (cached !== undefined) return cached;
    const matches = this.#pattern.matchesPart(name);
    if (name.length <= cachedNameCharsMax) {
      if (this.#cache.size >= cachedNamesMax) this.#cache.clear();
      this.#cache.set(name, matches);
    }
    return matches;
  }
}
