import type { ChatMessage, Conversation } from './chat-messages.ts';
import { jsonText } from './json-text.ts';

const speakers: Readonly<Record<ChatMessage['role'], string>> = {
  system: 'System',
  user: 'User',
  assistant: 'Assistant',
  tool: 'Tool',
};

/**
 * The prompt of a conversation for a model that brings no chat template. A model that looks at pictures
 * mostly takes a plain question: one that is asked once gets just that.
 */
export function defaultPrompt(
  { messages }: Conversation,
  tools: readonly unknown[] | null,
  looksAtImages: boolean,
): string {
  const questions = messages.filter(({ role }) => role !== 'system');
  if (looksAtImages && tools === null && questions.length === 1) {
    return messages.map((message) => textOf(message)).join('\n');
  }
  const turns = messages.map((message) => `${speakers[message.role]}: ${textOf(message)}\n`);
  const shown = tools === null ? '' : `Tools: ${jsonText(tools)}\n`;
  return `${shown}${turns.join('')}Assistant:`;
}

/** What a message says, without its pictures; calls of tools as JSON. */
export function textOf({ parts, toolCalls }: ChatMessage): string {
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const calls = toolCalls.map(({ name, arguments: args }) =>
    JSON.stringify({ name, arguments: args }),
  );
  return [...texts, ...calls].join('\n');
}
