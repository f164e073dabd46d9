import { Cancellation } from '../../core/cancellation.ts';
import type { ModelAnswer } from './model-answer.ts';
import { StopScanner } from './stop-scanner.ts';
import { type LogprobPlace, readLogprobs } from './token-logprobs.ts';

export type FinishReason = 'stop' | 'length';

/** What an answer of the model adds to a choice. */
export interface Piece {
  readonly text: string;
  /** Empty unless the model tells them. */
  readonly logprobs: readonly LogprobPlace[];
}

/** One of the texts that a request gets, as it grows. */
export class Choice {
  readonly index: number;
  /** Of its inference. */
  readonly cancellation: Cancellation = new Cancellation();
  readonly #maxTokens: number;
  readonly #scanner: StopScanner | null;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #finishReason: FinishReason | null = null;
  #promptTokens: number | null = null;
  #completionTokens: number | null = null;
  #stopped = false;

  /** @param stops Sequences that the model does not look for itself. */
  constructor(index: number, maxTokens: number, stops: readonly string[]) {
    this.index = index;
    this.#maxTokens = maxTokens;
    this.#scanner = stops.length === 0 ? null : new StopScanner(stops);
  }

  /** A stop sequence was found: what follows is not wanted. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get promptTokens(): number | null {
    return this.#promptTokens;
  }

  get completionTokens(): number | null {
    return this.#completionTokens;
  }

  get finishReason(): FinishReason {
    if (this.#stopped) return 'stop';
    if (this.#finishReason !== null) return this.#finishReason;
    return (this.#completionTokens ?? 0) >= this.#maxTokens ? 'length' : 'stop';
  }

  take(answer: ModelAnswer): Piece {
    this.#finishReason = answer.finishReason ?? this.#finishReason;
    this.#promptTokens ??= answer.promptTokens;
    if (answer.completionTokens !== null) {
      this.#completionTokens = (this.#completionTokens ?? 0) + answer.completionTokens;
    }
    const text = this.#decoder.decode(answer.text, { stream: true });
    const logprobs = answer.logprobs === null ? [] : readLogprobs(answer.logprobs, text);
    return { text: this.#scan(text), logprobs };
  }

  /** What was held back until the end. */
  rest(): Piece {
    const text = this.#scan(this.#decoder.decode());
    const held = this.#stopped ? '' : (this.#scanner?.rest() ?? '');
    return { text: text + held, logprobs: [] };
  }

  #scan(text: string): string {
    if (this.#stopped) return '';
    if (this.#scanner === null) return text;
    const scanned = this.#scanner.push(text);
    this.#stopped = scanned.stopped;
    return scanned.text;
  }
}
