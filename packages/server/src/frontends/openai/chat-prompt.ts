import { TritonError } from '@nereid/protocol';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { ChatMessage, Conversation } from './chat-messages.ts';
import { defaultPrompt, textOf } from './default-prompt.ts';
import { RequestError } from './request-error.ts';
import type { JsonFields } from './request-fields.ts';
import { findTemplate, type TemplateSource } from './template-source.ts';
import { textModelOf } from './text-model.ts';

/** Makes one text of a conversation. `variables` are the client's own, for the template; `tools` null for none. */
export type ChatPrompt = (
  conversation: Conversation,
  tools: readonly unknown[] | null,
  variables: JsonFields,
) => string;

const prompts = new WeakMap<ServedModel, Promise<ChatPrompt>>();

/** @throws TritonError for a model whose chat template cannot be used. */
export function chatPromptOf(model: ServedModel): Promise<ChatPrompt> {
  let prompt = prompts.get(model);
  if (prompt === undefined) {
    prompt = makePrompt(model);
    prompts.set(model, prompt);
    // What is mended on disk is found by the next request.
    prompt.catch(() => prompts.delete(model));
  }
  return prompt;
}

async function makePrompt(model: ServedModel): Promise<ChatPrompt> {
  const source = await findTemplate(model);
  if (source.template === null) {
    const looksAtImages = textModelOf(model).imageInput !== null;
    return (conversation, tools) => defaultPrompt(conversation, tools, looksAtImages);
  }
  return jinjaPrompt(source.template, source, model.key.name);
}

/** Templates that go through the parts of a message, as those of models that look at pictures do. */
const partsLoop = /\bfor\s+\w+\s+in\s+\w+(?:\.content|\[['"]content['"]\])/u;

async function jinjaPrompt(
  text: string,
  { tokens }: TemplateSource,
  modelName: string,
): Promise<ChatPrompt> {
  // Loaded when the first model needs it: most servers have none.
  const { Template } = await import('@huggingface/jinja');
  const fail = (failure: unknown): TritonError => {
    const reason = failure instanceof Error ? failure.message : String(failure);
    return new TritonError('INTERNAL', `the chat template of model '${modelName}': ${reason}`);
  };
  let template: InstanceType<typeof Template>;
  try {
    template = new Template(text);
  } catch (failure) {
    throw fail(failure);
  }
  const wantsParts = partsLoop.test(text);
  return (conversation, tools, variables) => {
    const messages = conversation.messages.map((message) => messageFor(message, wantsParts));
    try {
      return template.render({
        ...variables,
        ...Object.fromEntries(tokens),
        messages,
        add_generation_prompt: true,
        tools,
      });
    } catch (failure) {
      // What a template raises is mostly about the messages: their roles and order.
      throw new RequestError(fail(failure).message, 'messages', 'chat_template_failed');
    }
  };
}

function messageFor(message: ChatMessage, wantsParts: boolean): object {
  const { role, parts, name, toolCallId, toolCalls } = message;
  const hasImages = parts.some(({ type }) => type === 'image');
  return {
    role,
    content: wantsParts || hasImages ? parts : textOf({ ...message, toolCalls: [] }),
    ...(name === null ? {} : { name }),
    ...(toolCallId === null ? {} : { tool_call_id: toolCallId }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toolCallFor) }),
  };
}

function toolCallFor({ id, name, arguments: args }: ChatMessage['toolCalls'][number]): object {
  return { id, type: 'function', function: { name, arguments: args } };
}
