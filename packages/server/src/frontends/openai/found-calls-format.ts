import type { AnswerFormat } from './answer-format.ts';
import { chatFormat } from './chat-format.ts';
import type { FoundCall, ToolCallParser } from './tool-call-parser.ts';
import { ToolText } from './tool-text.ts';

/** Chat completions in whose texts calls of tools are looked for. @param newId Makes ids of calls. */
export function foundCallsFormat(parser: ToolCallParser, newId: () => string): AnswerFormat {
  const texts = new Map<number, ToolText>();
  const textOf = (index: number): ToolText => {
    const text = texts.get(index) ?? new ToolText(parser);
    texts.set(index, text);
    return text;
  };
  const callOf = ({ name, arguments: args }: FoundCall): object => ({
    id: newId(),
    type: 'function',
    function: { name, arguments: args },
  });
  return {
    ...chatFormat,
    whole: (choice) => {
      const text = textOf(choice.index);
      const before = text.push(choice.text);
      const { said, calls } = text.end();
      const content = before + said;
      if (calls.length === 0) return chatFormat.whole({ ...choice, text: content });
      return {
        ...chatFormat.whole(choice),
        message: {
          role: 'assistant',
          content: content === '' ? null : content,
          refusal: null,
          tool_calls: calls.map(callOf),
        },
        finish_reason: 'tool_calls',
      };
    },
    piece: (index, text, logprobs, offset) => {
      const said = textOf(index).push(text);
      return said === '' ? null : chatFormat.piece(index, said, logprobs, offset);
    },
    closing: (index, finishReason) => {
      const { said, calls } = textOf(index).end();
      if (calls.length === 0) {
        const rest = said === '' ? [] : [chatFormat.piece(index, said, null, 0) as object];
        return [...rest, ...chatFormat.closing(index, finishReason)];
      }
      const delta = { tool_calls: calls.map((call, at) => ({ index: at, ...callOf(call) })) };
      return [
        { index, delta, logprobs: null, finish_reason: null },
        { index, delta: {}, logprobs: null, finish_reason: 'tool_calls' },
      ];
    },
  };
}
