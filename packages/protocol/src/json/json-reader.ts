import { TritonError } from '../triton-error.ts';
import { internedAscii } from './interned-strings.ts';
import { JsonNumberScanner } from './json-number.ts';
import { scanString, unescapedString } from './json-string.ts';
import { jsonSyntaxError } from './json-syntax-error.ts';
import { type JsonObject, JsonSpan, type JsonValue } from './json-value.ts';

/** Values inside values. Triton reads deeper ones but takes tensor data only up to this depth. */
export const jsonDepthMax = 100;

/** Our reader recurses, so that what Triton does not bound has a bound too: what surrounds tensor data is a few levels. */
const readerDepthMax = jsonDepthMax + 8;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const noNames: ReadonlySet<string> = new Set();

/**
 * Reads JSON from bytes as Triton does (rapidjson with NaN and Infinity literals): integers are exact
 * up to 64 bits and differ from doubles, of repeated names the first counts, UTF-8 is not checked.
 */
export class JsonReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #spanName: string | null;
  readonly #spanNames: ReadonlySet<string> | null;
  readonly #numbers: JsonNumberScanner;
  #position: number;
  #depth = 0;
  #repeats: Map<JsonObject, Set<string>> | null = null;

  /**
   * @param spanName arrays that are members of this name are checked and left where they are.
   * @param spanNames the same goes for every value that is a member of one of these names.
   */
  constructor(
    bytes: Uint8Array,
    spanName: string | null,
    spanNames: ReadonlySet<string> | null = null,
  ) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
    this.#spanName = spanName;
    this.#spanNames = spanNames;
    this.#numbers = new JsonNumberScanner(this.#bytes);
    const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.#position = marked ? 3 : 0;
  }

  /**
   * The one value of the text.
   * @throws TritonError INTERNAL with rapidjson's reason and the offset of the fault in bytes;
   *   INVALID_ARG for values nested too deep.
   */
  read(): JsonValue {
    if (this.#peek() <= 0) throw jsonSyntaxError('empty', this.#position);
    const value = this.#value(false);
    const next = this.#peek();
    // rapidjson takes a NUL for the end of the text.
    if (next > 0) throw jsonSyntaxError('notSingular', this.#position);
    return value;
  }

  /** The names that the object, which was read here, had more than once, in the order of their second places. */
  repeated(object: JsonObject): ReadonlySet<string> {
    return this.#repeats?.get(object) ?? noNames;
  }

  /** Skips white space. @returns the byte there, -1 at the end. */
  #peek(): number {
    const bytes = this.#bytes;
    let position = this.#position;
    let byte = -1;
    while (position < this.#end) {
      byte = bytes[position] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      position++;
      byte = -1;
    }
    this.#position = position;
    return byte;
  }

  #value(asSpan: boolean): JsonValue {
    switch (this.#peek()) {
      case quote:
        return this.#string();
      case openBrace:
        return this.#object();
      case openBracket:
        return asSpan ? this.#span() : this.#array();
      case 0x74:
        return this.#literal('true', true);
      case 0x66:
        return this.#literal('false', false);
      case 0x6e:
        return this.#literal('null', null);
      default: {
        const value = this.#numbers.read(this.#position, this.#end);
        this.#position = this.#numbers.end;
        return value;
      }
    }
  }

  #literal<T extends JsonValue>(text: string, value: T): T {
    for (let i = 1; i < text.length; i++) {
      if (
        this.#bytes[this.#position + i] !== text.charCodeAt(i) ||
        this.#position + i >= this.#end
      ) {
        throw jsonSyntaxError('value', Math.min(this.#position + i, this.#end));
      }
    }
    this.#position += text.length;
    return value;
  }

  #string(): string {
    const bytes = this.#bytes;
    const start = this.#position + 1;
    let hash = 0;
    for (let at = start; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        this.#position = at + 1;
        return internedAscii(bytes, start, at, hash);
      }
      if (byte === backslash || byte < 0x20 || byte > 0x7e) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const end = scanString(bytes, start, this.#end);
    this.#position = Math.abs(end) + 1;
    return end >= 0
      ? bytes.toString('utf8', start, end)
      : unescapedString(bytes, start, -end).toString('utf8');
  }

  #object(): JsonObject {
    this.#enter();
    const members: JsonObject = new Map();
    this.#position++;
    if (this.#peek() === closeBrace) {
      this.#leave();
      return members;
    }
    for (;;) {
      if (this.#peek() !== quote) throw jsonSyntaxError('name', this.#position);
      const name = this.#string();
      if (this.#peek() !== colon) throw jsonSyntaxError('colon', this.#position);
      this.#position++;
      const value =
        this.#spanNames?.has(name) === true
          ? this.#anySpan()
          : this.#value(name === this.#spanName);
      if (!members.has(name)) members.set(name, value);
      else this.#repeat(members, name);
      const next = this.#peek();
      if (next === closeBrace) {
        this.#leave();
        return members;
      }
      if (next !== comma) throw jsonSyntaxError('objectComma', this.#position);
      this.#position++;
    }
  }

  #repeat(members: JsonObject, name: string): void {
    this.#repeats ??= new Map();
    const names = this.#repeats.get(members);
    if (names === undefined) this.#repeats.set(members, new Set([name]));
    else names.add(name);
  }

  #array(): JsonValue[] {
    this.#enter();
    const elements: JsonValue[] = [];
    this.#position++;
    if (this.#peek() === closeBracket) {
      this.#leave();
      return elements;
    }
    for (;;) {
      elements.push(this.#value(false));
      if (this.#endsArray()) return elements;
    }
  }

  /** Checks a value without keeping anything of it. */
  #anySpan(): JsonSpan {
    const first = this.#peek();
    if (first === openBracket) return this.#span();
    const start = this.#position;
    this.#skipElement(first);
    return new JsonSpan(start, this.#position);
  }

  /**
   * Checks an array without keeping anything of it. Arrays inside of it may be as deep as they want:
   * who reads it as tensor data says so where they are too deep.
   */
  #span(): JsonSpan {
    const start = this.#position;
    let depth = 0;
    for (;;) {
      const first = this.#peek();
      if (first === openBracket) {
        depth++;
        this.#position++;
        if (this.#peek() !== closeBracket) continue;
      } else {
        this.#skipElement(first);
      }
      depth = this.#skipClosings(depth);
      if (depth === 0) return new JsonSpan(start, this.#position);
    }
  }

  /** Behind an element: the ends of arrays, then a comma unless they all have ended. @returns how many are open. */
  #skipClosings(depth: number): number {
    let open = depth;
    for (;;) {
      const next = this.#peek();
      if (next === closeBracket) {
        this.#position++;
        if (--open === 0) return 0;
      } else if (next === comma) {
        this.#position++;
        return open;
      } else {
        throw jsonSyntaxError('arrayComma', this.#position);
      }
    }
  }

  #skipElement(first: number): void {
    switch (first) {
      case quote:
        this.#position = Math.abs(scanString(this.#bytes, this.#position + 1, this.#end)) + 1;
        return;
      case openBrace:
      case 0x74:
      case 0x66:
      case 0x6e:
        this.#value(false);
        return;
      default:
        this.#position = this.#numbers.skip(this.#position, this.#end);
    }
  }

  #endsArray(): boolean {
    const next = this.#peek();
    if (next === comma) {
      this.#position++;
      return false;
    }
    if (next !== closeBracket) throw jsonSyntaxError('arrayComma', this.#position);
    this.#leave();
    return true;
  }

  #enter(): void {
    if (++this.#depth > readerDepthMax) {
      throw new TritonError(
        'INVALID_ARG',
        `JSON nesting depth exceeds maximum allowed limit (${jsonDepthMax})`,
      );
    }
  }

  /** Past the closing bracket. */
  #leave(): void {
    this.#depth--;
    this.#position++;
  }
}
