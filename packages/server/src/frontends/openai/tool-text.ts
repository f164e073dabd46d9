import { TritonError } from '@nereid/protocol';
import { StopScanner } from './stop-scanner.ts';
import type { FoundCall, ToolCallParser } from './tool-call-parser.ts';

/** Longer calls are not kept together: what Triton's OpenAI frontend takes by default. */
const callCharsMax = 131_072;

/** What a text comes to at its end. */
export interface ToolTextEnd {
  /** Text that was held back, and is no call. */
  readonly said: string;
  readonly calls: readonly FoundCall[];
}

/** Tells what a model says from the calls of tools that it makes, while its text comes in pieces. */
export class ToolText {
  readonly #parser: ToolCallParser;
  readonly #scanner: StopScanner;
  #begun = false;
  /** From the mark on; null before there is one. */
  #held: string | null = null;

  constructor(parser: ToolCallParser) {
    this.#parser = parser;
    this.#scanner = new StopScanner(parser.marks);
  }

  /** @returns what is said for sure. @throws TritonError for a call that is too long. */
  push(piece: string): string {
    if (this.#held !== null) return this.#hold(this.#held + piece);
    if (!this.#begun) {
      const first = piece.trimStart()[0];
      this.#begun = first !== undefined;
      if (first !== undefined && this.#parser.firstLetters.includes(first)) {
        return this.#hold(piece);
      }
    }
    const text = this.#scanner.held + piece;
    const { text: said, stopped } = this.#scanner.push(piece);
    if (stopped) this.#hold(text.slice(said.length));
    return said;
  }

  end(): ToolTextEnd {
    if (this.#held === null) return { said: this.#scanner.rest(), calls: [] };
    const calls = this.#parser.parse(this.#held.trim());
    return calls === null ? { said: this.#held, calls: [] } : { said: '', calls };
  }

  #hold(text: string): '' {
    if (text.length > callCharsMax) {
      const message = `the model's call of a tool is longer than ${callCharsMax} characters`;
      throw new TritonError('INTERNAL', message);
    }
    this.#held = text;
    return '';
  }
}
