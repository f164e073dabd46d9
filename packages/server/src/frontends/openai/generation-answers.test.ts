import { encodeBytesTensor, TritonError } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import type { InferRequest } from '../../core/infer-request.ts';
import {
  ask,
  enqueued,
  given,
  hello,
  plain,
  post,
  served,
  tensorRtLlm,
  texts,
  vllm,
} from './testing/openai-exchange.ts';

describe('what a client gets', () => {
  it('whole', async () => {
    const model = served(vllm, () => [
      texts('text_output', 'world'),
      texts('finish_reason', 'length'),
      { name: 'num_input_tokens', dataType: 'UINT32', shape: [1], data: Uint8Array.of(3, 0, 0, 0) },
      {
        name: 'num_output_tokens',
        dataType: 'UINT32',
        shape: [1],
        data: Uint8Array.of(2, 0, 0, 0),
      },
    ]);
    const reply = await ask(model, post('chat/completions', hello));
    expect(JSON.parse(reply.text())).toMatchObject({
      object: 'chat.completion',
      created: 1_767_366_245,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'world' },
          logprobs: null,
          finish_reason: 'length',
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    });
    expect(model.retained).toBe(0);
  });

  it('streamed, a character cut in two put together', async () => {
    const model = served(vllm, () => null);
    const reply = ask(model, post('chat/completions', { ...hello, stream: true }));
    await Promise.resolve();
    const { request, sink } = await enqueued(model);
    const euro = Buffer.from('€');
    for (const bytes of [euro.subarray(0, 1), euro.subarray(1)]) {
      const output = { ...texts('text_output'), data: encodeBytesTensor([bytes]) };
      sink.respond(model.scheduler.response(request, [output]), false);
    }
    sink.respond(null, true);
    const events = (await reply).text().split('\n\n').slice(0, -1);
    expect(events.at(-1)).toBe('data: [DONE]');
    const deltas = events.slice(0, -1).map((event) => {
      const { object, choices } = JSON.parse(event.slice('data: '.length));
      expect(object).toBe('chat.completion.chunk');
      return [choices[0].delta.content, choices[0].finish_reason];
    });
    expect(deltas).toEqual([
      ['', null],
      ['€', null],
      [undefined, 'stop'],
    ]);
    expect((await reply).header('content-type')).toBe('text/event-stream; charset=utf-8');
  });

  it('nothing after a stop sequence that the model knows nothing of', async () => {
    const config = { ...plain, model_transaction_policy: { decoupled: true } };
    const model = served(config, () => null);
    const reply = ask(model, post('completions', { model: 'm', prompt: 'a', stop: 'END' }));
    const { request, sink } = await enqueued(model);
    for (const text of ['one E', 'ND two', ' three']) {
      sink.respond(model.scheduler.response(request, [texts('generated_text', text)]), false);
    }
    expect(request.cancellation.cancelled).toBe(true);
    sink.fail(new TritonError('CANCELLED', 'cancelled'));
    const [choice] = JSON.parse((await reply).text()).choices;
    expect(choice).toMatchObject({ text: 'one ', finish_reason: 'stop' });
    expect(model.retained).toBe(0);
  });

  it('a choice for each prompt and each n, with seeds of their own', async () => {
    const model = served(vllm, (request) => [
      texts(
        'text_output',
        `${given(request, 'text_input')} ${given(request, 'sampling_parameters')}`,
      ),
    ]);
    const body = { model: 'm', prompt: ['a', 'b'], n: 2, seed: 5, max_tokens: 1, echo: true };
    const reply = await ask(model, post('completions', body));
    expect(JSON.parse(reply.text()).choices.map(({ text }: { text: string }) => text)).toEqual([
      'aa {"max_tokens":1,"seed":5}',
      'aa {"max_tokens":1,"seed":6}',
      'bb {"max_tokens":1,"seed":5}',
      'bb {"max_tokens":1,"seed":6}',
    ]);
  });

  it('the call of a tool that it chose', async () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
    const model = served(tensorRtLlm, () => [texts('text_output', '{"a":1}')]);
    const body = { ...hello, tools, tool_choice: 'required' };
    const { choices } = JSON.parse((await ask(model, post('chat/completions', body))).text());
    expect(choices[0].message.tool_calls).toMatchObject([
      { type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
    ]);
  });

  it('the calls of tools that the model makes', async () => {
    const call = '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>';
    const parameters = {
      chat_template: { string_value: '{{ tools | tojson }}' },
      tool_call_parser: { string_value: 'hermes' },
    };
    const config = { ...vllm, parameters };
    const model = served(config, () => [texts('text_output', `Well. ${call}`)]);
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const whole = await ask(model, post('chat/completions', { ...hello, tools }));
    expect(JSON.parse(whole.text()).choices[0]).toMatchObject({
      message: {
        content: 'Well. ',
        tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      finish_reason: 'tool_calls',
    });
    const asked = model.scheduler.enqueued[0]?.request as InferRequest;
    expect(given(asked, 'text_input')?.[0]).toContain('"name": "f"');
    const streamed = await ask(model, post('chat/completions', { ...hello, tools, stream: true }));
    const chunks = streamed.text().split('\n\n').slice(0, -2);
    const choices = chunks.map((chunk) => JSON.parse(chunk.slice('data: '.length)).choices[0]);
    expect(
      choices.map(({ delta, finish_reason }) => [
        delta.content,
        delta.tool_calls?.[0].function.name,
        finish_reason,
      ]),
    ).toEqual([
      ['', undefined, null],
      ['Well. ', undefined, null],
      [undefined, 'f', null],
      [undefined, undefined, 'tool_calls'],
    ]);
    const none = { ...hello, tools, tool_choice: 'none' };
    const unparsed = await ask(model, post('chat/completions', none));
    expect(JSON.parse(unparsed.text()).choices[0].message.content).toBe(`Well. ${call}`);
  });

  it('cancels what its model does when it goes', async () => {
    const model = served(vllm, () => null);
    const sent = post('chat/completions', { ...hello, n: 2 }, { abort: true });
    void ask(model, sent);
    await enqueued(model);
    const cancelled = model.scheduler.enqueued.map(({ request }) => request.cancellation.cancelled);
    expect(cancelled).toEqual([true, true]);
  });
});
