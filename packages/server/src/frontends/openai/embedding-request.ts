import type { EmbeddingModel } from './embedding-model.ts';
import { RequestError, unsupported } from './request-error.ts';
import type { RequestFields } from './request-fields.ts';

/** A text, or its tokens. */
export type EmbeddingInput = string | readonly number[];

export interface EmbeddingRequest {
  readonly inputs: readonly EmbeddingInput[];
  /** Vectors go out as base64 of 32-bit floats instead of JSON numbers. */
  readonly base64: boolean;
  /** Null for as many as the model has. */
  readonly dimensions: number | null;
}

/** As OpenAI bounds them. */
const inputsMax = 2048;
const dimensionsMax = 65_536;

/** @throws RequestError, also for what the model cannot be asked. */
export function readEmbeddingRequest(
  fields: RequestFields,
  model: EmbeddingModel,
): EmbeddingRequest {
  const format = fields.text('encoding_format') ?? 'float';
  if (format !== 'float' && format !== 'base64') {
    const text = "Invalid value for 'encoding_format': expected 'float' or 'base64'.";
    throw new RequestError(text, 'encoding_format', 'invalid_value');
  }
  const dimensions = fields.integer('dimensions', 1, dimensionsMax);
  if (dimensions !== null && !model.json) {
    const text = `The model '${model.name}' cannot be asked for another number of dimensions.`;
    throw unsupported('dimensions', text);
  }
  const inputs = readInputs(fields);
  if (!model.json && inputs.some((input) => typeof input !== 'string')) {
    throw unsupported('input', `The model '${model.name}' takes texts, not tokens.`);
  }
  return { inputs, base64: format === 'base64', dimensions };
}

/** One text, several, the tokens of one, or those of several. */
function readInputs(fields: RequestFields): readonly EmbeddingInput[] {
  const given = fields.value('input');
  const inputs = Array.isArray(given) && !isTokens(given) ? given : [given];
  if (inputs.length > inputsMax) {
    const text = `Invalid 'input': ${inputs.length} elements, of which at most ${inputsMax} are taken.`;
    throw new RequestError(text, 'input', 'array_above_max_length');
  }
  if (inputs.length > 0 && inputs.every((input) => isText(input) || isTokens(input))) {
    return inputs as readonly EmbeddingInput[];
  }
  const text =
    "Invalid value for 'input': expected a string that is not empty, or an array of such or of tokens.";
  throw new RequestError(text, 'input', 'invalid_value');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isTokens(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((token) => Number.isSafeInteger(token) && token >= 0)
  );
}
