import { fieldValueBytes, tokenBytes } from './character-classes.ts';

const NAME_START = 0;
const NAME = 1;
const VALUE_START = 2;
const VALUE = 3;
const QUOTED = 4;
const QUOTED_PAIR = 5;
const QUOTED_END = 6;

const CR = 0x0d;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Checks the extensions of one chunk: RFC 9112 section 7.1.1, without its "bad" blanks. */
export class ChunkExtensions {
  #state = NAME_START;

  /** A semicolon was read. */
  begin(): void {
    this.#state = NAME_START;
  }

  /** Takes the next byte, the CR at the end included. @returns False when it may not stand there. */
  read(code: number): boolean {
    switch (this.#state) {
      case NAME_START:
        return this.#token(code, NAME);
      case NAME:
        if (code !== EQUALS) return this.#next(code) || this.#token(code, NAME);
        this.#state = VALUE_START;
        return true;
      case VALUE_START:
        if (code !== QUOTE) return this.#token(code, VALUE);
        this.#state = QUOTED;
        return true;
      case VALUE:
        return this.#next(code) || this.#token(code, VALUE);
      case QUOTED:
        if (code === QUOTE) this.#state = QUOTED_END;
        else if (code === BACKSLASH) this.#state = QUOTED_PAIR;
        return fieldValueBytes[code] === 1;
      case QUOTED_PAIR:
        this.#state = QUOTED;
        return fieldValueBytes[code] === 1;
      default:
        return this.#next(code);
    }
  }

  #token(code: number, state: number): boolean {
    this.#state = state;
    return tokenBytes[code] === 1;
  }

  /** The end of this extension. */
  #next(code: number): boolean {
    if (code === SEMICOLON) this.#state = NAME_START;
    return code === SEMICOLON || code === CR;
  }
}
