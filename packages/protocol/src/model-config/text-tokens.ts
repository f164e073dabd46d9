/** A piece of protobuf text format and where it starts. */
export interface TextToken {
  readonly kind: 'word' | 'number' | 'string' | 'punct';
  /** As written, quotes included. */
  readonly text: string;
  readonly offset: number;
}

/** A place where the text cannot be read, with what was found and what would help. */
export class TextProblem extends Error {
  readonly offset: number;
  readonly problem: string;
  readonly fix: string;

  constructor(offset: number, problem: string, fix: string) {
    super(problem);
    this.offset = offset;
    this.problem = problem;
    this.fix = fix;
  }
}

const space = /(?:[ \t\v\f\r\n]|#[^\n]*)*/y;
const number =
  /(?:0[xX][0-9A-Fa-f]+|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?|[0-9]+[eE][+-]?[0-9]+[fF]?|[0-9]+[fF]?)/y;
const word = /[^\s#"'{}<>:[\],;-]+/y;
const wordCharacter = /[A-Za-z0-9_]/;
const escapeForm =
  /\\(?:[abfnrtv?\\'"]|[0-7]{1,3}|[xX][0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})/y;
const punctuation: ReadonlySet<string> = new Set('{}<>:[],;-');

/** Cuts protobuf text into tokens, one at a time, with one token of look-ahead. */
export class TextTokens {
  readonly text: string;
  #offset = 0;
  #peeked: TextToken | null | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The next token, left in place; null at the end. */
  peek(): TextToken | null {
    if (this.#peeked === undefined) this.#peeked = this.#read();
    return this.#peeked;
  }

  /** Takes the next token. */
  next(): TextToken | null {
    const token = this.peek();
    this.#peeked = undefined;
    return token;
  }

  /** Takes the next token if it is this punctuation mark. */
  skip(mark: string): boolean {
    const token = this.peek();
    if (token?.kind !== 'punct' || token.text !== mark) return false;
    this.next();
    return true;
  }

  #read(): TextToken | null {
    const text = this.text;
    space.lastIndex = this.#offset;
    space.exec(text);
    const offset = space.lastIndex;
    if (offset >= text.length) {
      this.#offset = offset;
      return null;
    }
    const first = text.charAt(offset);
    if (first === '"' || first === "'") return this.#string(offset, first);
    if (/[0-9]/.test(first) || (first === '.' && /[0-9]/.test(text.charAt(offset + 1)))) {
      return this.#number(offset);
    }
    if (punctuation.has(first)) return this.#take('punct', offset, offset + 1);
    word.lastIndex = offset;
    if (word.exec(text) === null) {
      throw new TextProblem(offset, `illegal character ${show(first)}`, 'remove it');
    }
    return this.#take('word', offset, word.lastIndex);
  }

  #take(kind: TextToken['kind'], offset: number, end: number): TextToken {
    this.#offset = end;
    return { kind, text: this.text.slice(offset, end), offset };
  }

  #number(offset: number): TextToken {
    number.lastIndex = offset;
    number.exec(this.text);
    const end = number.lastIndex;
    if (wordCharacter.test(this.text.charAt(end))) {
      word.lastIndex = offset;
      word.exec(this.text);
      const found = this.text.slice(offset, word.lastIndex);
      throw new TextProblem(offset, `${show(found)} is not a number`, 'put text in quotes');
    }
    return this.#take('number', offset, end);
  }

  #string(offset: number, quote: string): TextToken {
    const text = this.text;
    let at = offset + 1;
    for (;;) {
      const unit = text.charAt(at);
      if (unit === '' || unit === '\n') {
        const problem = 'a string that does not end on its line';
        throw new TextProblem(
          offset,
          problem,
          `close it with ${quote}, or write \\n for a new line`,
        );
      }
      if (unit === quote) return this.#take('string', offset, at + 1);
      if (unit === '\\') {
        escapeForm.lastIndex = at;
        if (escapeForm.exec(text) === null) {
          const found = text.slice(at, at + 2);
          throw new TextProblem(at, `unknown escape ${show(found)}`, 'write a backslash as \\\\');
        }
        at = escapeForm.lastIndex;
      } else at += 1;
    }
  }
}

/** A piece of input as messages quote it: in single quotes, shortened, control characters escaped. */
export function show(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return `'${JSON.stringify(short).slice(1, -1).replaceAll('\\"', '"')}'`;
}
