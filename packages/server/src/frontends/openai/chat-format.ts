import type { AnswerFormat } from './answer-format.ts';
import { chatLogprobs } from './token-logprobs.ts';
import type { ToolGuide } from './tools.ts';

const names = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
} as const;

/** Chat completions: a text is what the assistant says. */
export const chatFormat: AnswerFormat = {
  ...names,
  whole: ({ index, text, finishReason, logprobs }) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: logprobs === null ? null : chatLogprobs(logprobs),
    finish_reason: finishReason,
  }),
  opening: (index) => chunk(index, { role: 'assistant', content: '', refusal: null }),
  piece: (index, text, logprobs) => ({
    ...chunk(index, { content: text }),
    logprobs: logprobs === null ? null : chatLogprobs(logprobs),
  }),
  closing: (index, finishReason) => [chunk(index, {}, finishReason)],
};

/** Chat completions whose text is the arguments of a call of a tool. @param newId Makes ids of calls. */
export function toolCallFormat({ functionName }: ToolGuide, newId: () => string): AnswerFormat {
  const call = (args: string): object => ({
    id: newId(),
    type: 'function',
    function: { name: functionName, arguments: args },
  });
  return {
    ...names,
    whole: ({ index, text, finishReason }) => ({
      index,
      message: { role: 'assistant', content: null, refusal: null, tool_calls: [call(text)] },
      logprobs: null,
      finish_reason: finishReason,
    }),
    opening: (index) =>
      chunk(index, {
        role: 'assistant',
        content: null,
        tool_calls: [{ index: 0, ...call('') }],
      }),
    piece: (index, text) =>
      chunk(index, { tool_calls: [{ index: 0, function: { arguments: text } }] }),
    closing: (index, finishReason) => [chunk(index, {}, finishReason)],
  };
}

function chunk(index: number, delta: object, finishReason: string | null = null): object {
  return { index, delta, logprobs: null, finish_reason: finishReason };
}
