import type { HttpLimits } from '../http-limits.ts';
import { fieldValueBytes, targetBytes, tokenBytes } from './character-classes.ts';
import { readFramingField } from './framing-fields.ts';
import { badRequest, failure, type HttpFailure } from './http-failure.ts';
import { methodBytesMax, readMethod } from './methods.ts';
import { RequestHead } from './request-head.ts';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HT = 0x09;
const COLON = 0x3a;

// Where in the header the parser stands. Numbers, so that the switch is a jump.
const METHOD = 1;
const TARGET = 2;
const VERSION = 3;
const LINE_LF = 4;
const FIELD_START = 5;
const FIELD_NAME = 6;
const BEFORE_VALUE = 7;
const VALUE = 8;
const VALUE_LF = 9;
const LAST_LF = 10;

const version = Buffer.from('HTTP/1.', 'latin1');

export type HeadLimits = Pick<HttpLimits, 'headerBytesMax' | 'headerCountMax' | 'targetBytesMax'>;

/**
 * Reads the header of one request after another, each byte once however they arrive. RFC 9112, as
 * strict as llhttp: every line ends in CR LF, no folding, no blank before a colon.
 */
export class HeadParser {
  readonly #limits: HeadLimits;
  #head: RequestHead;
  #state = METHOD;
  #start = 0;
  #at = 0;
  #tokenStart = 0;
  #nameStart = 0;
  #nameEnd = 0;
  #failure: HttpFailure | null = null;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.#head = new RequestHead(Buffer.alloc(0));
  }

  /** Starts a new header at `bytes[start]`. */
  begin(bytes: Buffer, start: number): void {
    this.#head = new RequestHead(bytes);
    this.#state = METHOD;
    this.#start = start;
    this.#at = start;
    this.#tokenStart = start;
    this.#failure = null;
  }

  /** Complete after `parse` said so. */
  get head(): RequestHead {
    return this.#head;
  }

  /** After the header: where the body starts. */
  get position(): number {
    return this.#at;
  }

  get failure(): HttpFailure | null {
    return this.#failure;
  }

  /** Where the header under way starts. */
  get start(): number {
    return this.#start;
  }

  /** Follows the bytes into another buffer, in which they start at 0. */
  moveToStartOf(bytes: Buffer): void {
    const distance = this.#start;
    this.#head.moveTo(bytes, distance);
    this.#start = 0;
    this.#at -= distance;
    this.#tokenStart -= distance;
    this.#nameStart -= distance;
    this.#nameEnd -= distance;
  }

  /**
   * Reads on to the end of the header or to `end`, where the bytes end that have arrived so far.
   *
   * @returns Whether the header is complete; false with a `failure` when it never will be.
   */
  parse(end: number): boolean {
    const limit = this.#start + this.#limits.headerBytesMax;
    const stop = Math.min(end, limit);
    if (this.#state < LINE_LF && this.#parseRequestLine(stop)) this.#state = LINE_LF;
    if (this.#state >= LINE_LF && this.#failure === null && this.#parseFields(stop)) return true;
    if (this.#failure === null && this.#at >= limit) {
      this.#failure = failure(431, `request header exceeds ${this.#limits.headerBytesMax} bytes`);
    }
    return false;
  }

  /** Up to the CR of the request line. */
  #parseRequestLine(end: number): boolean {
    const { bytes } = this.#head;
    let at = this.#at;
    if (this.#state === METHOD) {
      while (at < end && tokenBytes[bytes[at]!] === 1) at++;
      this.#at = at;
      if (at - this.#tokenStart > methodBytesMax) return this.#fail(failure(501, 'unknown method'));
      if (at === end) return false;
      if (bytes[at] !== SP || at === this.#tokenStart) return this.#fail(badRequest('method'));
      const method = readMethod(bytes, this.#tokenStart, at);
      if (method === null) return this.#fail(failure(501, 'unknown method'));
      this.#head.method = method;
      this.#at = ++at;
      this.#tokenStart = at;
      this.#state = TARGET;
    }
    if (this.#state === TARGET) {
      const limit = this.#tokenStart + this.#limits.targetBytesMax + 1;
      const stop = Math.min(end, limit);
      while (at < stop && targetBytes[bytes[at]!] === 1) at++;
      this.#at = at;
      if (at === limit) return this.#fail(failure(414, 'request target is too long'));
      if (at === end) return false;
      if (bytes[at] !== SP || !this.#acceptTarget(at)) return this.#fail(badRequest('target'));
      this.#at = ++at;
      this.#tokenStart = at;
      this.#state = VERSION;
    }
    return this.#parseVersion(end);
  }

  #acceptTarget(end: number): boolean {
    const start = this.#tokenStart;
    if (end === start) return false;
    this.#head.targetStart = start;
    this.#head.targetEnd = end;
    return this.#head.bytes[start] === 0x2f || isRareTarget(this.#head);
  }

  #parseVersion(end: number): boolean {
    const { bytes } = this.#head;
    let at = this.#at;
    for (; at < end; at++) {
      const place = at - this.#tokenStart;
      const code = bytes[at]!;
      if (place < version.length) {
        if (code === version[place]) continue;
        const digit = place === 5 && code >= 0x30 && code <= 0x39;
        return this.#fail(digit ? failure(505, 'unknown HTTP version') : badRequest('version'));
      }
      if (place === version.length) {
        if (code === 0x30 || code === 0x31) this.#head.minorVersion = code - 0x30;
        else if (code > 0x31 && code <= 0x39) {
          return this.#fail(failure(505, 'unknown HTTP version'));
        } else return this.#fail(badRequest('version'));
        continue;
      }
      if (code !== CR) return this.#fail(badRequest('request line'));
      this.#at = at + 1;
      return true;
    }
    this.#at = at;
    return false;
  }

  /** From the LF of the request line to the one behind the blank line. */
  #parseFields(end: number): boolean {
    const { bytes } = this.#head;
    let at = this.#at;
    let state = this.#state;
    while (at < end) {
      const code = bytes[at]!;
      switch (state) {
        case FIELD_START:
          if (code === CR) {
            state = LAST_LF;
            at++;
            break;
          }
          this.#nameStart = at;
          state = FIELD_NAME;
          break;
        case FIELD_NAME:
          while (at < end && tokenBytes[bytes[at]!] === 1) at++;
          if (at === end) break;
          if (bytes[at] !== COLON || at === this.#nameStart) {
            return this.#fail(badRequest('header name'));
          }
          this.#nameEnd = at++;
          state = BEFORE_VALUE;
          break;
        case BEFORE_VALUE:
          if (code === SP || code === HT) {
            at++;
            break;
          }
          this.#tokenStart = at;
          state = VALUE;
          break;
        case VALUE:
          while (at < end && fieldValueBytes[bytes[at]!] === 1) at++;
          if (at === end) break;
          if (bytes[at] !== CR) return this.#fail(badRequest('header value'));
          if (!this.#takeField(at)) return false;
          at++;
          state = VALUE_LF;
          break;
        case LINE_LF:
        case VALUE_LF:
          if (code !== LF) return this.#fail(badRequest('CR without LF'));
          at++;
          state = FIELD_START;
          break;
        default:
          if (code !== LF) return this.#fail(badRequest('CR without LF'));
          this.#at = at + 1;
          return this.#finish();
      }
    }
    this.#at = at;
    this.#state = state;
    return false;
  }

  #takeField(valueEnd: number): boolean {
    const head = this.#head;
    let end = valueEnd;
    while (end > this.#tokenStart && (head.bytes[end - 1] === SP || head.bytes[end - 1] === HT)) {
      end--;
    }
    if (head.fields.length >= this.#limits.headerCountMax * 4) {
      return this.#fail(failure(431, `more than ${this.#limits.headerCountMax} header fields`));
    }
    head.fields.push(this.#nameStart, this.#nameEnd, this.#tokenStart, end);
    this.#failure = readFramingField(head, this.#nameStart, this.#nameEnd, this.#tokenStart, end);
    return this.#failure === null;
  }

  #finish(): boolean {
    const head = this.#head;
    if (head.minorVersion === 1 && !head.hasHost) return this.#fail(badRequest('no Host'));
    return true;
  }

  #fail(why: HttpFailure): false {
    this.#failure = why;
    return false;
  }
}

/** `*` for OPTIONS, or an absolute URI: RFC 9112 section 3.2. */
function isRareTarget(head: RequestHead): boolean {
  const target = head.target();
  if (target === '*') return head.method === 'OPTIONS';
  return /^https?:\/\/[^/?#@]+([/?#].*)?$/i.test(target);
}
