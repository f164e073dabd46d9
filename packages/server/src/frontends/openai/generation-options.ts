import { RequestError } from './request-error.ts';
import type { RequestFields } from './request-fields.ts';

/** What both kinds of completions are asked for alike. */
export interface GenerationOptions {
  readonly choices: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/** Texts that one request may ask for. Each is an inference of its own. */
export const choicesMax = 128;

/** @throws RequestError */
export function readGenerationOptions(fields: RequestFields): GenerationOptions {
  const stream = fields.boolean('stream') ?? false;
  const streamOptions = fields.object('stream_options');
  if (streamOptions !== null && !stream) {
    // As Triton's OpenAI frontend has it.
    const text = '`stream_options` can only be used when `stream` is True';
    throw new RequestError(text, 'stream_options', 'invalid_value');
  }
  return {
    choices: fields.integer('n', 1, choicesMax) ?? 1,
    stream,
    includeUsage: streamOptions?.boolean('include_usage') ?? false,
  };
}
