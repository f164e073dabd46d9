import { RequestError } from './request-error.ts';

/** A JSON object as `parseJson` makes it: integers beyond 2^53 are bigint. */
export type JsonFields = Readonly<Record<string, unknown>>;

/**
 * Reads members of a request. One that is absent or null is null to all of these.
 * @throws RequestError that names the member, from every method.
 */
export class RequestFields {
  readonly #fields: JsonFields;
  readonly #path: string;

  /** @param path Where the object stands in the request, for texts: '' or as `messages[0].`. */
  constructor(fields: JsonFields, path = '') {
    this.#fields = fields;
    this.#path = path;
  }

  /** The name of a member, as errors tell it. */
  param(name: string): string {
    return this.#path + name;
  }

  has(name: string): boolean {
    return this.value(name) !== null;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? null) : null;
  }

  text(name: string): string | null {
    const value = this.value(name);
    if (value === null || typeof value === 'string') return value;
    throw this.#wrongType(name, 'a string');
  }

  requiredText(name: string): string {
    const text = this.text(name);
    if (text === null) throw this.#missing(name);
    return text;
  }

  boolean(name: string): boolean | null {
    const value = this.value(name);
    if (value === null || typeof value === 'boolean') return value;
    throw this.#wrongType(name, 'a boolean');
  }

  number(name: string, min: number, max: number): number | null {
    const value = this.value(name);
    if (value === null) return null;
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw this.#wrongType(name, 'a number');
    }
    const number = Number(value);
    if (Number.isNaN(number) || number < min || number > max) throw this.#outside(name, min, max);
    return number;
  }

  integer(name: string, min: number, max: number): number | null {
    const number = this.number(name, min, max);
    if (number === null || Number.isInteger(number)) return number;
    throw this.#wrongType(name, 'an integer');
  }

  /** From -2^63 to 2^64 - 1. */
  longInteger(name: string): number | bigint | null {
    const value = this.value(name);
    if (value === null || typeof value === 'bigint' || Number.isSafeInteger(value)) {
      return value as number | bigint | null;
    }
    throw this.#wrongType(name, 'an integer of 64 bits');
  }

  object(name: string): RequestFields | null {
    const value = this.value(name);
    if (value === null) return null;
    return new RequestFields(objectOf(value, this.param(name)), `${this.param(name)}.`);
  }

  array(name: string): readonly unknown[] | null {
    const value = this.value(name);
    if (value === null) return null;
    if (Array.isArray(value)) return value;
    throw this.#wrongType(name, 'an array');
  }

  /** One text or several. */
  texts(name: string): readonly string[] | null {
    const value = this.value(name);
    if (value === null) return null;
    if (typeof value === 'string') return [value];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.#wrongType(name, 'a string or an array of strings');
  }

  #wrongType(name: string, wanted: string): RequestError {
    const param = this.param(name);
    return new RequestError(
      `Invalid type for '${param}': expected ${wanted}.`,
      param,
      'invalid_type',
    );
  }

  #outside(name: string, min: number, max: number): RequestError {
    const param = this.param(name);
    const text = `Invalid value for '${param}': expected a number from ${min} to ${max}.`;
    return new RequestError(text, param, 'invalid_value');
  }

  #missing(name: string): RequestError {
    const param = this.param(name);
    return new RequestError(
      `Missing required parameter: '${param}'.`,
      param,
      'missing_required_parameter',
    );
  }
}

/** @throws RequestError for what is no JSON object. */
export function objectOf(value: unknown, param: string): JsonFields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonFields;
  }
  throw new RequestError(`Invalid type for '${param}': expected an object.`, param, 'invalid_type');
}
