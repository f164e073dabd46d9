import { randomUUID } from 'node:crypto';
import { TritonError } from '@nereid/protocol';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { HttpCall } from '../http/http-route.ts';
import type { AnswerFormat } from './answer-format.ts';
import { chatFormat, toolCallFormat } from './chat-format.ts';
import { readConversation } from './chat-messages.ts';
import { chatPromptOf } from './chat-prompt.ts';
import { foundCallsFormat } from './found-calls-format.ts';
import { readGenerationOptions } from './generation-options.ts';
import { readRequest } from './read-request.ts';
import { RequestError, unsupported } from './request-error.ts';
import { objectOf, type RequestFields } from './request-fields.ts';
import { type Guide, readResponseFormat } from './response-format.ts';
import { readSampling } from './sampling.ts';
import { generateTexts } from './text-generation.ts';
import { textModelOf } from './text-model.ts';
import { type ToolCallParser, toolCallParsers } from './tool-call-parser.ts';
import { readTools, type ToolUse } from './tools.ts';

/** As OpenAI bounds it. */
const topLogprobsMax = 20;

/** `POST /v1/chat/completions`. @throws TritonError for a request that is refused. */
export async function chatCompletions(call: HttpCall): Promise<void> {
  const { context } = call;
  const fields = await readRequest(call);
  const model = context.dataPlane.model(fields.requiredText('model'), null);
  textModelOf(model);
  const options = readGenerationOptions(fields);
  const sampling = readSampling(fields, context.options.openAi?.defaultMaxTokens ?? 1);
  refuseAudio(fields);
  const tools = readTools(fields, toolCallParserOf(model));
  const guide: Guide | null = tools.guide ?? readResponseFormat(fields);
  const logprobs = readLogprobs(fields);
  const conversation = readConversation(fields);
  const variables = objectOf(fields.value('chat_template_kwargs') ?? {}, 'chat_template_kwargs');
  // While the template is read, which is once, the model must not go.
  model.retain();
  try {
    const prompt = (await chatPromptOf(model))(conversation, tools.shown, variables);
    generateTexts(call, {
      model,
      format: formatFor(tools),
      requests: [
        { prompt, images: conversation.images, sampling, stream: options.stream, logprobs, guide },
      ],
      ...options,
    });
  } finally {
    model.release();
  }
}

/** @throws TritonError for a model that is configured with a parser that there is not. */
function toolCallParserOf({ config }: ServedModel): ToolCallParser | null {
  const name = config.parameters.get('tool_call_parser')?.string_value ?? null;
  const parser = name === null ? null : toolCallParsers.get(name);
  if (parser !== undefined) return parser;
  const names = [...toolCallParsers.keys()].join("', '");
  const text = `the parameter tool_call_parser of model '${config.name}' is '${name}': there are '${names}'`;
  throw new TritonError('INTERNAL', text);
}

function formatFor({ guide, parser }: ToolUse): AnswerFormat {
  if (guide !== null) return toolCallFormat(guide, newCallId);
  return parser === null ? chatFormat : foundCallsFormat(parser, newCallId);
}

function newCallId(): string {
  return `call_${randomUUID().replaceAll('-', '')}`;
}

/** How many of the likeliest tokens to tell; null for none. */
function readLogprobs(fields: RequestFields): number | null {
  const wanted = fields.boolean('logprobs') ?? false;
  const count = fields.integer('top_logprobs', 0, topLogprobsMax);
  if (wanted) return count ?? 1;
  if (count === null) return null;
  // As Triton's OpenAI frontend has it.
  const text = '`top_logprobs` can only be used when `logprobs` is True';
  throw new RequestError(text, 'top_logprobs', 'invalid_value');
}

function refuseAudio(fields: RequestFields): void {
  const modalities = fields.texts('modalities') ?? ['text'];
  if (modalities.every((modality) => modality === 'text') && !fields.has('audio')) return;
  throw unsupported('modalities', 'Only text is answered.');
}
