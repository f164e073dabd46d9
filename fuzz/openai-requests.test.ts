import { TritonError } from '@nereid/protocol';
import type { FakeExecute } from '@nereid/test-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ask,
  plain,
  post,
  served,
  tensorRtLlm,
  texts,
  vllm,
} from '../packages/server/src/frontends/openai/testing/openai-exchange.ts';

const names = [
  'messages',
  'prompt',
  'input',
  'n',
  'stream',
  'stream_options',
  'include_usage',
  'stop',
  'temperature',
  'top_p',
  'max_tokens',
  'seed',
  'logprobs',
  'top_logprobs',
  'tools',
  'tool_choice',
  'function',
  'name',
  'response_format',
  'type',
  'json_schema',
  'schema',
  'role',
  'content',
  'text',
  'image_url',
  'url',
  'tool_calls',
  'arguments',
  'chat_template_kwargs',
  'echo',
  'encoding_format',
  'dimensions',
  'bad_words',
  '__proto__',
];
const words = [
  'user',
  'assistant',
  'tool',
  'text',
  'image_url',
  'required',
  'json_schema',
  'base64',
];

/** Values in which the names and words of requests stand where they belong, and where they do not. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false, '', 0, 1, 2, -1, 1e300, 0.5),
    fc.constantFrom(...words),
    fc.constant('data:image/png;base64,AAAA'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 6 }),
  ),
}));

const request = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 8 });

const embedder = {
  max_batch_size: 4,
  input: [{ name: 'text', data_type: 'TYPE_STRING', dims: [1] }],
  output: [{ name: 'embedding', data_type: 'TYPE_FP32', dims: [1] }],
};
const vectors: FakeExecute = ({ batchSize }) => [
  { name: 'embedding', dataType: 'FP32', shape: [], data: new Uint8Array(4 * batchSize) },
];

const said: FakeExecute = () => [texts('text_output', 'a'), texts('generated_text', 'a')];
const failed: FakeExecute = () => new TritonError('UNAVAILABLE', 'not now');

describe('requests of OpenAI’s API', () => {
  it.each(['chat/completions', 'completions', 'embeddings'])('%s', async (path) => {
    const message = { role: 'user', content: 'a' };
    const good = { model: 'm', messages: [message], prompt: 'a', input: 'a' };
    const embeds = path === 'embeddings';
    const config = embeds ? fc.constant(embedder) : fc.constantFrom(vllm, tensorRtLlm, plain);
    const answer = embeds ? vectors : said;
    await fc.assert(
      fc.asyncProperty(request, config, fc.boolean(), async (body, of, works) => {
        const model = served(of, works ? answer : failed);
        const reply = await ask(model, post(path, { ...good, ...body }));
        if (reply.status === 200) return;
        const { error } = JSON.parse(reply.text());
        expect([400, 503]).toContain(reply.status);
        expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
        await expect.poll(() => model.retained).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('of any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const sent = post('chat/completions', '', { body: bytes });
        const reply = await ask(served(plain, said), sent);
        expect(reply.status).toBe(400);
      }),
    );
  });
});
