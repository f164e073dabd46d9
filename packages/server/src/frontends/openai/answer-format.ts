import type { FinishReason } from './choice.ts';
import type { LogprobPlace } from './token-logprobs.ts';

/** A finished choice. */
export interface WholeChoice {
  readonly index: number;
  readonly text: string;
  readonly finishReason: FinishReason;
  /** Null where none were asked for. */
  readonly logprobs: readonly LogprobPlace[] | null;
}

/** What an endpoint makes of texts: members of `choices`, whole or in pieces. */
export interface AnswerFormat {
  /** What ids begin with. */
  readonly idPrefix: string;
  /** `object` of an answer, and of a chunk of a streamed one. */
  readonly object: string;
  readonly chunkObject: string;
  whole(choice: WholeChoice): object;
  /** The first chunk of a choice; null for none. */
  opening(index: number): object | null;
  /**
   * @param offset Characters of the choice that were sent before.
   * @returns null for nothing to send yet.
   */
  piece(
    index: number,
    text: string,
    logprobs: readonly LogprobPlace[] | null,
    offset: number,
  ): object | null;
  /** The last chunks of a choice. */
  closing(index: number, finishReason: FinishReason): readonly object[];
}
