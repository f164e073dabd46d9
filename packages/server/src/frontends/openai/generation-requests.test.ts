import { describe, expect, it } from 'vitest';
import type { InferRequest } from '../../core/infer-request.ts';
import { HeaderForwarding } from '../../data-plane/header-forwarding.ts';
import type { Sent } from '../http/testing/exchange.ts';
import {
  ask,
  given,
  hello,
  parametersOf,
  plain,
  post,
  served,
  tensorRtLlm,
  texts,
  vllm,
} from './testing/openai-exchange.ts';

/** The request that a model gets for one of a client. */
async function taken(config: object, sent: Sent): Promise<InferRequest> {
  const model = served(config, () => [texts('text_output', ''), texts('generated_text', '')]);
  const reply = await ask(model, sent);
  expect(reply.text()).not.toContain('"error"');
  return model.scheduler.enqueued[0]?.request as InferRequest;
}

describe('what a model is asked', () => {
  it('puts sampling parameters into JSON for models of vLLM', async () => {
    const request = await taken(
      vllm,
      post('chat/completions', {
        ...hello,
        temperature: 0.5,
        top_p: 0.9,
        stop: 'x',
        seed: 7,
        max_completion_tokens: 5,
        max_tokens: 9,
        frequency_penalty: -1,
        top_k: 3,
        user: 'somebody',
      }),
    );
    expect(JSON.parse(given(request, 'sampling_parameters')?.[0] as string)).toEqual({
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      frequency_penalty: -1,
      seed: 7,
      stop: ['x'],
      top_k: 3,
    });
    expect(given(request, 'text_input')).toEqual(['User: hello\nAssistant:']);
    expect(given(request, 'stream')).toBe('00');
    expect(given(request, 'exclude_input_in_output')).toBe('01');
    expect(request.id).toMatch(/^chatcmpl-[0-9a-f]{32}$/u);
  });

  it('keeps every digit of a seed', async () => {
    const body = '{"model":"m","prompt":"a","seed":9007199254740993}';
    const request = await taken(vllm, post('completions', body));
    expect(given(request, 'sampling_parameters')).toEqual([
      '{"max_tokens":16,"seed":9007199254740993}',
    ]);
  });

  it('gives models of TensorRT-LLM an input for each parameter, the others as parameters', async () => {
    const request = await taken(
      tensorRtLlm,
      post('completions', {
        model: 'm',
        prompt: 'a',
        stop: ['x', 'yz'],
        temperature: 0.5,
        seed: 258,
        top_k: 2,
        presence_penalty: 1,
      }),
    );
    expect(request.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['text_input', [1, 1]],
      ['stream', [1, 1]],
      ['max_tokens', [1, 1]],
      ['temperature', [1, 1]],
      ['random_seed', [1, 1]],
      ['stop_words', [1, 2]],
      ['top_k', [1, 1]],
    ]);
    expect(given(request, 'max_tokens')).toBe('10000000');
    expect(given(request, 'temperature')).toBe('0000003f');
    expect(given(request, 'random_seed')).toBe('0201000000000000');
    expect(given(request, 'stop_words')).toEqual(['x', 'yz']);
    expect(parametersOf(request)).toEqual({ presence_penalty: 1 });
  });

  it('hands everything to other models as parameters, as the generate endpoints do', async () => {
    const body = { model: 'm', prompt: 'a', temperature: 1, max_tokens: 3, stop: 'x' };
    const request = await taken(plain, post('completions', body));
    expect(given(request, 'prompt')).toEqual(['a']);
    expect(parametersOf(request)).toEqual({ max_tokens: 3, temperature: 1 });
  });

  it('holds a model to a schema', async () => {
    const schema = { type: 'object' };
    const format = { type: 'json_schema', json_schema: { name: 'a', schema } };
    const request = await taken(
      tensorRtLlm,
      post('chat/completions', { ...hello, response_format: format }),
    );
    expect(given(request, 'guided_decoding_guide_type')).toEqual(['json_schema']);
    expect(given(request, 'guided_decoding_guide')).toEqual(['{"type":"object"}']);
  });

  it('forwards headers', async () => {
    const model = served(plain, () => [texts('generated_text', '')]);
    const sent = post('completions', { model: 'm', prompt: 'a' }, { headers: { 'x-a': '1' } });
    await ask(model, sent, { headerForwarding: new HeaderForwarding('^x-') });
    expect(parametersOf(model.scheduler.enqueued[0]?.request as InferRequest)).toMatchObject({
      'x-a': '1',
    });
  });
});
