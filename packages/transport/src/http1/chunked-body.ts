import type { BodyMemory } from '../body-memory.ts';
import type { HttpLimits } from '../http-limits.ts';
import type { BodyReader } from './body-reader.ts';
import { fieldValueBytes, hexDigit, lowerCase, tokenBytes } from './character-classes.ts';
import { ChunkExtensions } from './chunk-extensions.ts';
import { badRequest, failure, type HttpFailure } from './http-failure.ts';
import { PieceList } from './piece-list.ts';

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SEMICOLON = 0x3b;

const SIZE_START = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_START = 7;
const TRAILER_NAME = 8;
const TRAILER_VALUE = 9;
const TRAILER_LF = 10;
const LAST_LF = 11;
const COMPLETE = 12;

/** More hexadecimal digits than any limit has; leading zeros count, as they only waste time. */
const sizeDigitsMax = 16;

const framingNames: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);
const framingNameBytesMax = 'transfer-encoding'.length;

export type ChunkedBodyLimits = Pick<
  HttpLimits,
  'bodyBytesMax' | 'chunkCountMax' | 'chunkExtensionBytesMax' | 'trailerBytesMax'
>;

/** A chunked body: RFC 9112 section 7.1. Extensions and trailers are checked and dropped. */
export class ChunkedBody implements BodyReader {
  readonly #limits: ChunkedBodyLimits;
  readonly #memory: BodyMemory;
  readonly #alignedOffset: number | null;
  readonly #pieces = new PieceList();
  readonly #extensions = new ChunkExtensions();
  #state = SIZE_START;
  #failure: HttpFailure | null = null;
  #size = 0;
  #sizeDigits = 0;
  #chunkCount = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerName = '';

  constructor(limits: ChunkedBodyLimits, memory: BodyMemory, alignedOffset: number | null) {
    this.#limits = limits;
    this.#memory = memory;
    this.#alignedOffset = alignedOffset;
  }

  get complete(): boolean {
    return this.#state === COMPLETE;
  }

  get failure(): HttpFailure | null {
    return this.#failure;
  }

  /** Its bytes stand between others. */
  readTarget(): null {
    return null;
  }

  readInPlace(): void {}

  take(): Buffer {
    return this.#pieces.join(this.#memory, this.#alignedOffset);
  }

  read(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state !== COMPLETE) {
      if (this.#state === DATA) {
        const count = Math.min(end - at, this.#size);
        this.#pieces.add(bytes, at, at + count);
        at += count;
        this.#size -= count;
        if (this.#size === 0) this.#state = DATA_CR;
        continue;
      }
      this.#failure =
        this.#state >= TRAILER_START ? this.#readTrailer(bytes[at]!) : this.#readFrame(bytes[at]!);
      if (this.#failure !== null) break;
      at++;
    }
    return at;
  }

  /** What is between the data of two chunks, byte by byte: it is short. */
  #readFrame(code: number): HttpFailure | null {
    switch (this.#state) {
      case SIZE_START:
      case SIZE:
        return this.#readSize(code);
      case EXTENSION:
        if (++this.#extensionBytes > this.#limits.chunkExtensionBytesMax) {
          return failure(413, 'chunk extensions are too long');
        }
        if (!this.#extensions.read(code)) return badRequest('chunk extension');
        if (code === CR) this.#state = SIZE_LF;
        return null;
      case SIZE_LF:
        return code === LF ? this.#startChunk() : badRequest('chunk size without LF');
      case DATA_CR:
        this.#state = DATA_LF;
        return code === CR ? null : badRequest('chunk without CR LF at its end');
      default:
        this.#state = SIZE_START;
        return code === LF ? null : badRequest('chunk without CR LF at its end');
    }
  }

  #readSize(code: number): HttpFailure | null {
    const digit = hexDigit[code]!;
    if (digit < 16) {
      if (this.#state === SIZE_START) {
        this.#state = SIZE;
        this.#size = 0;
        this.#sizeDigits = 0;
      }
      if (++this.#sizeDigits > sizeDigitsMax) return badRequest('chunk size');
      this.#size = this.#size * 16 + digit;
      return null;
    }
    if (this.#state === SIZE_START) return badRequest('chunk size');
    if (code === CR) this.#state = SIZE_LF;
    else if (code === SEMICOLON) {
      this.#extensions.begin();
      this.#state = EXTENSION;
    } else return badRequest('chunk size');
    return null;
  }

  #startChunk(): HttpFailure | null {
    if (this.#size === 0) {
      this.#state = TRAILER_START;
      return null;
    }
    const { bodyBytesMax, chunkCountMax } = this.#limits;
    if (this.#size > bodyBytesMax - this.#pieces.byteLength) {
      return failure(413, `request body exceeds ${bodyBytesMax} bytes`);
    }
    if (++this.#chunkCount > chunkCountMax) {
      return failure(
        400,
        `Chunked request body exceeds maximum of ${chunkCountMax} non-empty chunks. Send fewer or larger HTTP chunks.`,
      );
    }
    this.#state = DATA;
    return null;
  }

  #readTrailer(code: number): HttpFailure | null {
    if (++this.#trailerBytes > this.#limits.trailerBytesMax) {
      return failure(431, 'trailers are too long');
    }
    switch (this.#state) {
      case TRAILER_START:
        if (code === CR) {
          this.#state = LAST_LF;
          return null;
        }
        this.#state = TRAILER_NAME;
        this.#trailerName = '';
        return this.#readTrailerName(code);
      case TRAILER_NAME:
        if (code !== COLON) return this.#readTrailerName(code);
        this.#state = TRAILER_VALUE;
        // RFC 9110 section 6.5.1: what frames a message cannot come after it.
        return framingNames.has(this.#trailerName) ? badRequest('framing in a trailer') : null;
      case TRAILER_VALUE:
        if (code === CR) this.#state = TRAILER_LF;
        else if (fieldValueBytes[code] === 0) return badRequest('trailer value');
        return null;
      case TRAILER_LF:
        this.#state = TRAILER_START;
        return code === LF ? null : badRequest('CR without LF');
      default:
        if (code !== LF) return badRequest('CR without LF');
        this.#state = COMPLETE;
        return null;
    }
  }

  #readTrailerName(code: number): HttpFailure | null {
    if (tokenBytes[code] === 0) return badRequest('trailer name');
    if (this.#trailerName.length <= framingNameBytesMax) {
      this.#trailerName += String.fromCharCode(lowerCase[code]!);
    }
    return null;
  }
}
