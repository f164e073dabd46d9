import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiCategory, Restriction } from '../options/setting-format.ts';

interface Requirement {
  /** As the command line has it: clients are told this name. */
  readonly header: string;
  readonly lowerCaseHeader: string;
  readonly valueDigest: Buffer;
}

/**
 * Which endpoints ask for a header, and whether a request has it. Made once for each front end, from
 * `--http-restricted-api` or `--grpc-restricted-protocol`.
 */
export class RestrictedApis {
  readonly #requirements = new Map<ApiCategory, readonly Requirement[]>();

  /** @param prefix Comes before the keys in the names of headers: gRPC's has one. */
  constructor(restrictions: readonly Restriction[], prefix: string = '') {
    for (const { categories, key, value } of restrictions) {
      const header = prefix + key;
      const requirement = {
        header,
        lowerCaseHeader: header.toLowerCase(),
        valueDigest: digestOf(Buffer.from(value)),
      };
      for (const category of categories) this.#requirements.set(category, [requirement]);
    }
  }

  /** What asks for the headers of both, of these first. */
  and(other: RestrictedApis): RestrictedApis {
    const both = new RestrictedApis([]);
    for (const apis of [this, other]) {
      for (const [category, more] of apis.#requirements) {
        both.#requirements.set(category, [...(both.#requirements.get(category) ?? []), ...more]);
      }
    }
    return both;
  }

  /**
   * The header that a request to an endpoint lacks, or has with another value; null when it may pass.
   *
   * @param headerOf Looks a header up by its name in lower case: each byte a character, or null.
   */
  missingHeader(
    category: ApiCategory,
    headerOf: (lowerCaseName: string) => string | null,
  ): string | null {
    const requirements = this.#requirements.get(category);
    if (requirements === undefined) return null;
    for (const { header, lowerCaseHeader, valueDigest } of requirements) {
      const value = headerOf(lowerCaseHeader);
      if (value === null) return header;
      // Digests are of one length and tell nothing: the time taken says nothing of the value either.
      if (!timingSafeEqual(digestOf(Buffer.from(value, 'latin1')), valueDigest)) return header;
    }
    return null;
  }
}

function digestOf(value: Buffer): Buffer {
  return createHash('sha256').update(value).digest();
}
