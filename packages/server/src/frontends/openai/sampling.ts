import { RequestError, unsupported } from './request-error.ts';
import type { RequestFields } from './request-fields.ts';

/** How a model is asked to choose its tokens. Null and empty: the model's own way. */
export interface Sampling {
  readonly maxTokens: number;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly frequencyPenalty: number | null;
  readonly presencePenalty: number | null;
  readonly seed: number | bigint | null;
  readonly stop: readonly string[];
  /** Parameters that OpenAI's API does not have and engines do, by their names there. */
  readonly more: ReadonlyMap<string, SamplingValue>;
}

export type SamplingValue = number | boolean | readonly (number | string)[];

const int32Max = 2_147_483_647;

/** Stop sequences of a request, and characters of each. */
const stopsMax = 16;
const stopCharsMax = 512;

/** Elements of a list in `more`. */
const listElementsMax = 1024;

/** What clients give by `extra_body`. */
const moreParameters: Readonly<Record<string, 'number' | 'integer' | 'boolean' | 'list'>> = {
  top_k: 'integer',
  min_p: 'number',
  repetition_penalty: 'number',
  length_penalty: 'number',
  min_tokens: 'integer',
  ignore_eos: 'boolean',
  skip_special_tokens: 'boolean',
  include_stop_str_in_output: 'boolean',
  stop_token_ids: 'list',
  bad_words: 'list',
};

/** @throws RequestError */
export function readSampling(fields: RequestFields, defaultMaxTokens: number): Sampling {
  const bias = fields.object('logit_bias');
  if (bias !== null) throw unsupported('logit_bias', 'logit_bias is not supported.');
  return {
    maxTokens:
      fields.integer('max_completion_tokens', 1, int32Max) ??
      fields.integer('max_tokens', 1, int32Max) ??
      defaultMaxTokens,
    temperature: fields.number('temperature', 0, 2),
    topP: fields.number('top_p', 0, 1),
    frequencyPenalty: fields.number('frequency_penalty', -2, 2),
    presencePenalty: fields.number('presence_penalty', -2, 2),
    seed: fields.longInteger('seed'),
    stop: readStop(fields),
    more: readMore(fields),
  };
}

/** Each choice of a request has a seed of its own, or all would be the same. */
export function samplingOfChoice(sampling: Sampling, choice: number): Sampling {
  if (sampling.seed === null || choice === 0) return sampling;
  return { ...sampling, seed: BigInt.asUintN(63, BigInt(sampling.seed) + BigInt(choice)) };
}

function readStop(fields: RequestFields): readonly string[] {
  const stop = (fields.texts('stop') ?? []).filter((text) => text !== '');
  if (stop.length <= stopsMax && stop.every((text) => text.length <= stopCharsMax)) return stop;
  const text = `Invalid value for 'stop': at most ${stopsMax} sequences of up to ${stopCharsMax} characters.`;
  throw new RequestError(text, 'stop', 'invalid_value');
}

function readMore(fields: RequestFields): ReadonlyMap<string, SamplingValue> {
  const more = new Map<string, SamplingValue>();
  for (const [name, kind] of Object.entries(moreParameters)) {
    const value = readValue(fields, name, kind);
    if (value !== null) more.set(name, value);
  }
  return more;
}

function readValue(
  fields: RequestFields,
  name: string,
  kind: 'number' | 'integer' | 'boolean' | 'list',
): SamplingValue | null {
  if (kind === 'boolean') return fields.boolean(name);
  if (kind === 'number') return fields.number(name, -int32Max, int32Max);
  if (kind === 'integer') return fields.integer(name, -1, int32Max);
  const list = fields.array(name);
  if (list === null || (list.length <= listElementsMax && list.every(isTextOrNumber))) {
    return list as readonly (number | string)[] | null;
  }
  const text = `Invalid value for '${name}': expected up to ${listElementsMax} strings or numbers.`;
  throw new RequestError(text, name, 'invalid_value');
}

function isTextOrNumber(value: unknown): boolean {
  return typeof value === 'string' || Number.isSafeInteger(value);
}
