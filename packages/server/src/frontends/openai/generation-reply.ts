import type { TritonError } from '@nereid/protocol';
import type { Choice, Piece } from './choice.ts';

/** Members that every answer, and every chunk, of one request has alike. */
export interface ReplyHead {
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  readonly model: string;
}

/** Turns choices as they grow into the answer of an HTTP request. Ended once, by `end` or `fail`. */
export interface GenerationReply {
  add(choice: Choice, piece: Piece): void;
  finish(choice: Choice): void;
  /** @param usage Null where the model does not count. */
  end(usage: Usage | null): void;
  fail(error: TritonError): void;
}

/** `usage` of an answer. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/**
 * The tokens of all choices; those of a prompt count once.
 * @returns null unless the model counts both.
 */
export function usageOf(choices: readonly Choice[], choicesPerRequest: number): Usage | null {
  let prompt = 0;
  let completion = 0;
  for (const { index, promptTokens, completionTokens } of choices) {
    if (promptTokens === null || completionTokens === null) return null;
    if (index % choicesPerRequest === 0) prompt += promptTokens;
    completion += completionTokens;
  }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}
