import type { HttpCall } from '../http/http-route.ts';
import { completionFormat } from './completion-format.ts';
import { choicesMax, readGenerationOptions } from './generation-options.ts';
import { readRequest } from './read-request.ts';
import { RequestError, unsupported } from './request-error.ts';
import type { RequestFields } from './request-fields.ts';
import { readResponseFormat } from './response-format.ts';
import { readSampling } from './sampling.ts';
import { generateTexts } from './text-generation.ts';
import { textModelOf } from './text-model.ts';

/** As OpenAI bounds them. */
const logprobsMax = 5;
const bestOfMax = 20;

/** `POST /v1/completions`. @throws TritonError for a request that is refused. */
export async function completions(call: HttpCall): Promise<void> {
  const { context } = call;
  const fields = await readRequest(call);
  const model = context.dataPlane.model(fields.requiredText('model'), null);
  textModelOf(model);
  const options = readGenerationOptions(fields);
  const sampling = readSampling(fields, context.options.openAi?.defaultMaxTokens ?? 1);
  refuseUnsupported(fields, options.choices);
  const prompts = readPrompts(fields, options.choices);
  const logprobs = fields.integer('logprobs', 0, logprobsMax) || null;
  const guide = readResponseFormat(fields);
  const echo = fields.boolean('echo') ?? false;
  const promptOf = (index: number): string => prompts[Math.floor(index / options.choices)] ?? '';
  generateTexts(call, {
    model,
    format: completionFormat(echo ? promptOf : () => ''),
    requests: prompts.map((prompt) => ({
      prompt,
      images: [],
      sampling,
      stream: options.stream,
      logprobs,
      guide,
    })),
    ...options,
  });
}

function readPrompts(fields: RequestFields, choices: number): readonly string[] {
  const given = fields.value('prompt');
  if (Array.isArray(given) && given.some((item) => typeof item !== 'string')) {
    throw unsupported('prompt', 'Prompts have to be strings: tokens are not taken.');
  }
  const prompts = fields.texts('prompt') ?? [];
  if (prompts.length === 0 || prompts.includes('')) {
    // As Triton's OpenAI frontend has it.
    throw new RequestError('prompt must be non-empty', 'prompt', 'invalid_value');
  }
  if (prompts.length * choices <= choicesMax) return prompts;
  const text = `Invalid value for 'prompt': at most ${choicesMax} texts are generated for one request.`;
  throw new RequestError(text, 'prompt', 'invalid_value');
}

function refuseUnsupported(fields: RequestFields, choices: number): void {
  if ((fields.text('suffix') ?? '') !== '') {
    throw unsupported('suffix', 'suffix is not currently supported');
  }
  const best = fields.integer('best_of', 0, bestOfMax) ?? 1;
  if (best > choices) {
    throw unsupported('best_of', 'best_of beyond n is not supported.');
  }
}
