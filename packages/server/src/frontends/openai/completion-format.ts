import type { AnswerFormat } from './answer-format.ts';
import { completionLogprobs } from './token-logprobs.ts';

/**
 * Completions: a text goes on from its prompt.
 * @param echoed What comes before the text of a choice: its prompt, or '' for none.
 */
export function completionFormat(echoed: (index: number) => string): AnswerFormat {
  return {
    idPrefix: 'cmpl-',
    object: 'text_completion',
    chunkObject: 'text_completion',
    whole: ({ index, text, finishReason, logprobs }) => ({
      index,
      text: echoed(index) + text,
      logprobs: logprobs === null ? null : completionLogprobs(logprobs, echoed(index).length),
      finish_reason: finishReason,
    }),
    opening: (index) => (echoed(index) === '' ? null : chunk(index, echoed(index))),
    piece: (index, text, logprobs, offset) => ({
      ...chunk(index, text),
      logprobs:
        logprobs === null ? null : completionLogprobs(logprobs, echoed(index).length + offset),
    }),
    closing: (index, finishReason) => [chunk(index, '', finishReason)],
  };
}

function chunk(index: number, text: string, finishReason: string | null = null): object {
  return { index, text, logprobs: null, finish_reason: finishReason };
}
