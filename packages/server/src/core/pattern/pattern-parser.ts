import {
  addAll,
  anyButNewline,
  anyCharacter,
  type CharacterSet,
  complement,
  perlClasses,
  posixClasses,
  rangesSet,
  withBothCases,
} from './character-set.ts';
import { PatternError } from './pattern-error.ts';
import type { Assertion, PatternNode } from './pattern-node.ts';

/** Longer patterns are refused. */
const patternCharsMax = 4096;
/** Groups in groups. */
const depthMax = 100;
/** RE2's limit of `{n,m}`. */
const repeatMax = 1000;

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly multiLine: boolean;
}

/**
 * Reads a regular expression in RE2's syntax, without Unicode classes (`\p{…}`, `\C`).
 * @throws PatternError
 */
export function parsePattern(text: string, ignoreCase: boolean): PatternNode {
  if (text.length > patternCharsMax) {
    throw new PatternError(`longer than ${patternCharsMax} characters`);
  }
  return new PatternParser(text, ignoreCase).parse();
}

const assertionOfEscape: ReadonlyMap<string, Assertion> = new Map<string, Assertion>([
  ['A', 'text-start'],
  ['z', 'text-end'],
  ['b', 'word-boundary'],
  ['B', 'no-word-boundary'],
]);

const codeOfEscape: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
]);

class PatternParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #flags: Flags;

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text;
    this.#flags = { ignoreCase, dotAll: false, multiLine: false };
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw new PatternError('unexpected )');
    return node;
  }

  #choice(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'choice', nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#peek())) {
      if (this.#take('\\Q')) {
        const quoted = this.#quoted();
        const last = quoted.pop();
        nodes.push(...quoted);
        if (last !== undefined) nodes.push(this.#repeated(last));
        continue;
      }
      const node = this.#atom();
      if (node !== null) nodes.push(this.#repeated(node));
    }
    return { kind: 'sequence', nodes };
  }

  /** Null for what only sets flags. */
  #atom(): PatternNode | null {
    const start = this.#at;
    const char = this.#next();
    const { multiLine, dotAll } = this.#flags;
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return { kind: 'set', set: dotAll ? anyCharacter : anyButNewline };
      case '^':
        return { kind: 'assertion', assertion: multiLine ? 'line-start' : 'text-start' };
      case '$':
        return { kind: 'assertion', assertion: multiLine ? 'line-end' : 'text-end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new PatternError(`no argument for repetition operator: ${char}`);
      default:
        if (char === '{' && this.#repetition(start) !== null) {
          throw new PatternError(`no argument for repetition operator: ${char}`);
        }
        this.#at = start + 1;
        return this.#literal(char.charCodeAt(0));
    }
  }

  #group(): PatternNode | null {
    if (++this.#depth > depthMax) throw new PatternError(`more than ${depthMax} groups in groups`);
    const before = this.#flags;
    if (this.#take('?')) {
      const named = /^P?<([A-Za-z0-9_]+)>/u.exec(this.#text.slice(this.#at, this.#at + 256));
      if (named !== null) this.#at += named[0].length;
      else if (this.#groupFlags() === ')') {
        // The flags hold for what is left of the group around.
        this.#depth--;
        return null;
      }
    }
    const node = this.#choice();
    if (!this.#take(')')) throw new PatternError('missing )');
    this.#flags = before;
    this.#depth--;
    return node;
  }

  /** Reads `flags-flags:` or `flags-flags)` and sets them. @returns The character that ended them. */
  #groupFlags(): ':' | ')' {
    let value = true;
    for (;;) {
      const char = this.#next();
      if (char === ':' || char === ')') return char;
      if (char === 'i') this.#flags = { ...this.#flags, ignoreCase: value };
      else if (char === 's') this.#flags = { ...this.#flags, dotAll: value };
      else if (char === 'm') this.#flags = { ...this.#flags, multiLine: value };
      else if (char === '-' && value) value = false;
      else if (char !== 'U') throw new PatternError(`invalid group: (?${char}`);
    }
  }

  #repeated(node: PatternNode): PatternNode {
    const repetition = this.#repetition(this.#at);
    if (repetition === null) return node;
    this.#take('?');
    if (this.#repetition(this.#at) !== null) throw new PatternError('bad repetition operator');
    return { kind: 'repeat', node, ...repetition };
  }

  /** The repetition operator at `at`, which is passed; null where there is none. */
  #repetition(at: number): { min: number; max: number } | null {
    const char = this.#text[at];
    if (char === '*' || char === '+' || char === '?') {
      this.#at = at + 1;
      return { min: char === '+' ? 1 : 0, max: char === '?' ? 1 : Number.POSITIVE_INFINITY };
    }
    if (char !== '{') return null;
    const match = /^\{([0-9]{1,9})(,([0-9]{0,9}))?\}/u.exec(this.#text.slice(at, at + 24));
    if (match === null) return null;
    this.#at = at + match[0].length;
    const min = Number(match[1]);
    const upper = match[3] ?? '';
    const max =
      match[2] === undefined ? min : upper === '' ? Number.POSITIVE_INFINITY : Number(upper);
    if (min > max || min > repeatMax || (max > repeatMax && max !== Number.POSITIVE_INFINITY)) {
      throw new PatternError(`bad repetition operator: ${match[0]}`);
    }
    return { min, max };
  }

  #quoted(): PatternNode[] {
    const end = this.#text.indexOf('\\E', this.#at);
    const quote = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    return Array.from(quote, (char) => this.#literal(char.charCodeAt(0)));
  }

  #escape(): PatternNode {
    const assertion = assertionOfEscape.get(this.#peek());
    if (assertion !== undefined) {
      this.#at++;
      return { kind: 'assertion', assertion };
    }
    const set = this.#perlClass();
    return set === null ? this.#literal(this.#escapedCode()) : this.#set(set);
  }

  /** `d`, `w`, `s` or their complements, after the backslash; null for anything else. */
  #perlClass(): CharacterSet | null {
    const char = this.#peek();
    const set = perlClasses.get(char.toLowerCase());
    if (set === undefined) return null;
    this.#at++;
    return char === char.toLowerCase() ? set : complement(set);
  }

  /** The character that an escape stands for, after the backslash. */
  #escapedCode(): number {
    const rest = this.#text.slice(this.#at, this.#at + 12);
    const number =
      /^(?:x\{([0-9A-Fa-f]{1,8})\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/u.exec(rest);
    if (number !== null) {
      this.#at += number[0].length;
      const hexadecimal = number[1] ?? number[2];
      return hexadecimal === undefined
        ? Number.parseInt(number[3] as string, 8)
        : Number.parseInt(hexadecimal, 16);
    }
    const char = this.#next();
    const code = codeOfEscape.get(char);
    if (code !== undefined) return code;
    if (/[A-Za-z0-9]/u.test(char)) throw new PatternError(`invalid escape sequence: \\${char}`);
    return char.charCodeAt(0);
  }

  #class(): PatternNode {
    const set = rangesSet();
    const negated = this.#take('^');
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const named = /^\[:(\^?)([a-z]+):\]/u.exec(this.#text.slice(this.#at, this.#at + 16));
      if (named !== null) {
        const members = posixClasses.get(named[2] as string);
        if (members === undefined) throw new PatternError(`invalid character class: ${named[0]}`);
        this.#at += named[0].length;
        addAll(set, named[1] === '' ? members : complement(members));
        continue;
      }
      this.#classRange(set);
    }
    this.#at++;
    const folded = this.#flags.ignoreCase ? withBothCases(set) : set;
    return { kind: 'set', set: negated ? complement(folded) : folded };
  }

  #classRange(set: CharacterSet): void {
    if (this.#peek() === '\\') {
      this.#at++;
      const members = this.#perlClass();
      if (members !== null) {
        addAll(set, members);
        return;
      }
      this.#at--;
    }
    const first = this.#classCode();
    let last = first;
    if (this.#peek() === '-' && this.#text[this.#at + 1] !== ']') {
      this.#at++;
      last = this.#classCode();
    }
    if (first > last) throw new PatternError('invalid character class range');
    addAll(set, rangesSet([first, last]));
  }

  #classCode(): number {
    const char = this.#next();
    return char === '\\' ? this.#escapedCode() : char.charCodeAt(0);
  }

  #literal(code: number): PatternNode {
    return this.#set(rangesSet([code, code]));
  }

  #set(set: CharacterSet): PatternNode {
    return { kind: 'set', set: this.#flags.ignoreCase ? withBothCases(set) : set };
  }

  #peek(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new PatternError('unexpected end');
    return char;
  }

  #next(): string {
    const char = this.#peek();
    this.#at++;
    return char;
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}
