import { type CharacterSet, wordCharacters } from './character-set.ts';
import { PatternError } from './pattern-error.ts';
import type { Assertion, PatternNode } from './pattern-node.ts';
import { parsePattern } from './pattern-parser.ts';

/** The work for one character of a text grows with it. */
const instructionsMax = 2000;

type Instruction =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  /** Goes on at both. */
  | { readonly kind: 'fork'; targets: readonly [number, number] }
  | { readonly kind: 'match' };

/**
 * A regular expression of RE2's syntax that answers in a time that is linear in the text, whatever
 * the expression: JavaScript's own backtracks, and a client could choose a text that keeps it busy
 * for years. All places of the expression that the text may have reached are followed at once.
 */
export class LinearPattern {
  readonly #program: Instruction[] = [];

  /**
   * @param ignoreCase As with `(?i)` before the pattern.
   * @throws PatternError for what is no pattern, is too large, or has Unicode classes.
   */
  constructor(pattern: string, ignoreCase: boolean) {
    this.#compile(parsePattern(pattern, ignoreCase));
    this.#emit({ kind: 'match' });
  }

  /** Whether the pattern matches anywhere in an ASCII text. Other characters match nothing. */
  matchesPart(text: string): boolean {
    let reached = new Set<number>();
    for (let at = 0; ; at++) {
      if (this.#follow(0, text, at, reached)) return true;
      if (at >= text.length) return false;
      const code = text.charCodeAt(at);
      const next = new Set<number>();
      for (const index of reached) {
        const instruction = this.#program[index];
        if (instruction?.kind !== 'set' || instruction.set[code] !== 1) continue;
        if (this.#follow(index + 1, text, at + 1, next)) return true;
      }
      reached = next;
    }
  }

  /** Adds the places that are reached from one without a character. @returns true for a match. */
  #follow(from: number, text: string, at: number, reached: Set<number>): boolean {
    const open = [from];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (reached.has(index)) continue;
      reached.add(index);
      const instruction = this.#program[index] as Instruction;
      if (instruction.kind === 'match') return true;
      if (instruction.kind === 'fork') open.push(...instruction.targets);
      else if (instruction.kind === 'assertion' && holds(instruction.assertion, text, at)) {
        open.push(index + 1);
      }
    }
    return false;
  }

  #compile(node: PatternNode): void {
    switch (node.kind) {
      case 'set':
      case 'assertion':
        this.#emit(node);
        return;
      case 'sequence':
        for (const part of node.nodes) this.#compile(part);
        return;
      case 'choice':
        this.#compileChoice(node.nodes);
        return;
      case 'repeat':
        for (let count = 0; count < node.min; count++) this.#compile(node.node);
        if (node.max === Number.POSITIVE_INFINITY) this.#compileLoop(node.node);
        else for (let count = node.min; count < node.max; count++) this.#compileOptional(node.node);
    }
  }

  #compileChoice(nodes: readonly PatternNode[]): void {
    const ends: { kind: 'fork'; targets: readonly [number, number] }[] = [];
    nodes.forEach((node, index) => {
      if (index === nodes.length - 1) {
        this.#compile(node);
        return;
      }
      const fork = this.#fork();
      const start = this.#program.length;
      this.#compile(node);
      ends.push(this.#fork());
      fork.targets = [start, this.#program.length];
    });
    const after = this.#program.length;
    for (const end of ends) end.targets = [after, after];
  }

  #compileLoop(node: PatternNode): void {
    const start = this.#program.length;
    const fork = this.#fork();
    this.#compile(node);
    this.#fork().targets = [start, start];
    fork.targets = [start + 1, this.#program.length];
  }

  #compileOptional(node: PatternNode): void {
    const fork = this.#fork();
    const start = this.#program.length;
    this.#compile(node);
    fork.targets = [start, this.#program.length];
  }

  #fork(): { kind: 'fork'; targets: readonly [number, number] } {
    const fork = { kind: 'fork' as const, targets: [0, 0] as readonly [number, number] };
    this.#emit(fork);
    return fork;
  }

  #emit(instruction: Instruction): void {
    if (this.#program.length >= instructionsMax) throw new PatternError('pattern too large');
    this.#program.push(instruction);
  }
}

function holds(assertion: Assertion, text: string, at: number): boolean {
  switch (assertion) {
    case 'text-start':
      return at === 0;
    case 'text-end':
      return at === text.length;
    case 'line-start':
      return at === 0 || text[at - 1] === '\n';
    case 'line-end':
      return at === text.length || text[at] === '\n';
    case 'word-boundary':
      return isWord(text, at - 1) !== isWord(text, at);
    case 'no-word-boundary':
      return isWord(text, at - 1) === isWord(text, at);
  }
}

function isWord(text: string, at: number): boolean {
  return at >= 0 && at < text.length && wordCharacters[text.charCodeAt(at)] === 1;
}
