import {
  decodeBytesTensor,
  emptyModelConfig,
  encodeBytesTensor,
  type ModelConfig,
  modelConfigFromJson,
  type Tensor,
} from '@nereid/protocol';
import { type FakeExecute, FakeServedModel } from '@nereid/test-kit';
import type { HttpHandler } from '@nereid/transport';
import { expect } from 'vitest';
import type { InferRequest } from '../../../core/infer-request.ts';
import { createHttpHandler } from '../../http/http-handler.ts';
import type { HttpContext } from '../../http/http-route.ts';
import { exchange, type Reply, type Sent } from '../../http/testing/exchange.ts';
import { httpContext } from '../../http/testing/http-context.ts';

const string = (name: string, optional = true): object => ({
  name,
  data_type: 'TYPE_STRING',
  dims: [1],
  optional,
});
const output = (name: string, type = 'STRING'): object => ({
  name,
  data_type: `TYPE_${type}`,
  dims: [1],
});
const flag = (name: string): object => ({
  name,
  data_type: 'TYPE_BOOL',
  dims: [1],
  optional: true,
});
const number = (name: string, type: string): object => ({
  name,
  data_type: `TYPE_${type}`,
  dims: [1],
  optional: true,
});

/** The configuration of a model of this kind. */
export const vllm: object = {
  input: [
    string('text_input', false),
    flag('stream'),
    string('sampling_parameters'),
    flag('exclude_input_in_output'),
    flag('return_finish_reason'),
    flag('return_num_input_tokens'),
    flag('return_num_output_tokens'),
  ],
  output: [
    output('text_output'),
    output('finish_reason'),
    output('num_input_tokens', 'UINT32'),
    output('num_output_tokens', 'UINT32'),
  ],
  model_transaction_policy: { decoupled: true },
};

/** The configuration of a model of this kind. */
export const tensorRtLlm: object = {
  max_batch_size: 4,
  input: [
    string('text_input', false),
    number('max_tokens', 'INT32'),
    { ...string('stop_words'), dims: [-1] },
    number('temperature', 'FP32'),
    number('top_k', 'INT32'),
    number('random_seed', 'UINT64'),
    flag('stream'),
    string('guided_decoding_guide_type'),
    string('guided_decoding_guide'),
  ],
  output: [output('text_output')],
};

/** The configuration of a model of this kind. */
export const plain: object = {
  input: [string('prompt', false)],
  output: [output('generated_text')],
};

export function served(config: object, execute: FakeExecute, name = 'm'): FakeServedModel {
  const parsed = modelConfigFromJson(JSON.stringify(config)) as Partial<ModelConfig>;
  return new FakeServedModel({
    name,
    config: { ...emptyModelConfig(), ...parsed, name },
    execute,
  });
}

export function texts(name: string, ...elements: string[]): Tensor {
  return {
    name,
    dataType: 'BYTES',
    shape: [elements.length],
    data: encodeBytesTensor(elements),
  };
}

/** An input of a request: its strings, or its bytes in hexadecimal. */
export function given({ inputs }: InferRequest, name: string): readonly string[] | string | null {
  const input = inputs.find((other) => other.name === name);
  if (input === undefined) return null;
  if (input.dataType !== 'BYTES') return Buffer.from(input.data).toString('hex');
  return decodeBytesTensor(input.data).map((element) => Buffer.from(element).toString());
}

export function parametersOf({ parameters }: InferRequest): Record<string, unknown> {
  return Object.fromEntries([...parameters.custom].map(([name, { value }]) => [name, value]));
}

const options: HttpContext['options'] = {
  maxInputBytes: 100_000,
  openAi: { defaultMaxTokens: 16 },
};

export function post(path: string, body: object | string, more: Partial<Sent> = {}): Sent {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { method: 'POST', path: `/v1/${path}`, body: text, ...more };
}

export function ask(
  model: FakeServedModel,
  sent: Sent,
  more: Partial<HttpContext> = {},
): Promise<Reply> {
  return exchange(handlerOf(model, more), sent);
}

export function handlerOf(model: FakeServedModel, more: Partial<HttpContext> = {}): HttpHandler {
  return createHttpHandler(httpContext([model], { options, ...more }));
}

export const hello: { readonly model: string; readonly messages: readonly object[] } = {
  model: 'm',
  messages: [{ role: 'user', content: 'hello' }],
};
export const answered: FakeExecute = () => [texts('text_output', 'world')];

/** The code of the endpoints is loaded first. */
export async function enqueued(
  model: FakeServedModel,
): Promise<FakeServedModel['scheduler']['enqueued'][number]> {
  await expect.poll(() => model.scheduler.enqueued.length, { timeout: 10_000 }).toBeGreaterThan(0);
  return model.scheduler.enqueued[0] as FakeServedModel['scheduler']['enqueued'][number];
}
