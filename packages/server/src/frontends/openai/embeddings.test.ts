import { encodeBytesTensor, type Tensor, TritonError } from '@nereid/protocol';
import type { FakeExecute } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import {
  answered,
  ask,
  enqueued,
  given,
  post,
  served,
  texts,
  vllm,
} from './testing/openai-exchange.ts';

const embedder = (type = 'FP32', batch = 2): object => ({
  max_batch_size: batch,
  input: [{ name: 'TEXT', data_type: 'TYPE_STRING', dims: [1] }],
  output: [
    { name: 'LABEL', data_type: 'TYPE_STRING', dims: [1] },
    { name: 'VECTOR', data_type: `TYPE_${type}`, dims: [2] },
  ],
});

/** A vector of each text: its length, and one. */
const lengths: FakeExecute = (request) => {
  const vectors = (given(request, 'TEXT') as readonly string[]).map((text) => [text.length, 1]);
  return [vector('FP32', Buffer.from(Float32Array.from(vectors.flat()).buffer))];
};

function vector(dataType: Tensor['dataType'], data: Uint8Array): Tensor {
  return { name: 'VECTOR', dataType, shape: [], data };
}

const body = (input: unknown, more: object = {}): object => ({ model: 'm', input, ...more });

interface Embedded {
  readonly data: readonly { readonly embedding: unknown; readonly index: number }[];
  readonly usage: object;
}

async function embed(sent: object, config = embedder(), execute = lengths): Promise<Embedded> {
  const reply = await ask(served(config, execute), post('embeddings', sent));
  expect([reply.status, reply.text()]).toEqual([200, expect.any(String)]);
  return JSON.parse(reply.text()) as Embedded;
}

describe('embeddings', () => {
  it('of one text, and of more than one inference takes', async () => {
    expect(await embed(body('abc'))).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [3, 1] }],
      model: 'm',
      usage: { prompt_tokens: 0, total_tokens: 0 },
    });
    const many = Array.from({ length: 41 }, (_, i) => 'x'.repeat(i + 1));
    const model = served(embedder(), lengths);
    const { data } = JSON.parse((await ask(model, post('embeddings', body(many)))).text());
    expect(data.map(({ embedding }: { embedding: number[] }) => embedding[0])).toEqual(
      many.map(({ length }) => length),
    );
    expect(model.scheduler.enqueued).toHaveLength(21);
    expect(model.scheduler.enqueued[0]?.request.inputs[0]?.shape).toEqual([2, 1]);
    await expect.poll(() => model.retained).toBe(0);
  });

  it('in base64', async () => {
    const { data } = await embed(body('abc', { encoding_format: 'base64' }));
    expect(data[0]?.embedding).toBe(Buffer.from(Float32Array.of(3, 1).buffer).toString('base64'));
  });

  it.each([
    ['FP64', Buffer.from(Float64Array.of(1.5, -2).buffer)],
    ['FP32', Buffer.from(Float32Array.of(1.5, -2).buffer)],
    ['FP16', Buffer.from(Uint16Array.of(0x3e00, 0xc000).buffer)],
    ['BF16', Buffer.from(Uint16Array.of(0x3fc0, 0xc000).buffer)],
  ] as const)('of type %s', async (type, bytes) => {
    const { data } = await embed(body('a'), embedder(type, 0), () => [vector(type, bytes)]);
    expect(data[0]?.embedding).toEqual([1.5, -2]);
  });

  it('are asked for in rows, whatever else the input may hold', async () => {
    const config = {
      ...embedder(),
      input: [{ name: 'TEXT', data_type: 'TYPE_STRING', dims: [-1] }],
    };
    const model = served(config, lengths);
    await ask(model, post('embeddings', body(['a', 'b'])));
    expect(model.scheduler.enqueued[0]?.request.inputs[0]?.shape).toEqual([2, 1]);
  });

  it('fail together', async () => {
    const model = served(embedder('FP32', 0), () => null);
    const reply = ask(model, post('embeddings', body(['a', 'b', 'c'])));
    await enqueued(model);
    expect(model.scheduler.enqueued).toHaveLength(3);
    model.scheduler.enqueued[1]?.sink.fail(new TritonError('UNAVAILABLE', 'not now'));
    expect((await reply).status).toBe(503);
    expect(model.scheduler.enqueued[0]?.request.cancellation.cancelled).toBe(true);
    for (const { request, sink } of model.scheduler.enqueued) {
      sink.respond(model.scheduler.response(request, [vector('FP32', Buffer.alloc(8))]), true);
    }
    await expect.poll(() => model.retained).toBe(0);
  });

  it.each([
    ['nothing', [], 'input'],
    ['no text', 1, 'input'],
    ['an empty text', ['a', ''], 'input'],
    ['a mixture', ['a', 1], 'input'],
    ['tokens', [1, 2], 'input'],
    ['too many', Array(2049).fill('a'), 'input'],
  ])('of %s are refused', async (_, input, param) => {
    const reply = await ask(served(embedder(), lengths), post('embeddings', body(input)));
    expect([reply.status, JSON.parse(reply.text()).error.param]).toEqual([400, param]);
  });

  it.each([
    [{ encoding_format: 'int8' }, 'encoding_format'],
    [{ dimensions: 1 }, 'dimensions'],
    [{ dimensions: 0 }, 'dimensions'],
  ])('with %j are refused', async (more, param) => {
    const reply = await ask(served(embedder(), lengths), post('embeddings', body('a', more)));
    expect([reply.status, JSON.parse(reply.text()).error.param]).toEqual([400, param]);
  });

  it('are not made by models that write', async () => {
    const reply = await ask(served(vllm, answered), post('embeddings', body('a')));
    expect(JSON.parse(reply.text()).error.code).toBe('model_not_supported');
  });

  it.each<[string, FakeExecute]>([
    ['no vector', () => [texts('LABEL', 'a')]],
    ['too few numbers', () => [vector('FP32', Buffer.alloc(12))]],
    ['none', () => [vector('FP32', Buffer.alloc(0))]],
  ])('are not taken from an answer with %s', async (_, execute) => {
    const reply = await ask(served(embedder(), execute), post('embeddings', body(['a', 'b'])));
    expect([reply.status, JSON.parse(reply.text()).error.type]).toEqual([500, 'server_error']);
  });

  it('come as JSON from vLLM’s models', async () => {
    const config = {
      input: [
        { name: 'text_input', data_type: 'TYPE_STRING', dims: [1] },
        { name: 'embedding_request', data_type: 'TYPE_STRING', dims: [1] },
      ],
      output: [{ name: 'text_output', data_type: 'TYPE_STRING', dims: [-1] }],
    };
    const execute: FakeExecute = (request) => {
      const asked = JSON.parse((given(request, 'embedding_request') as readonly string[])[0] ?? '');
      expect(asked).toEqual({ input: 'a', pooling_params: { dimensions: [2] } });
      expect(given(request, 'text_input')).toEqual(['']);
      return [{ ...texts('text_output'), data: encodeBytesTensor(['[0.5, -1]']) }];
    };
    const { data } = await embed(body('a', { dimensions: 2 }), config, execute);
    expect(data[0]?.embedding).toEqual([0.5, -1]);
  });
});
