import { emptyModelConfig, modelConfigFromJson, type Tensor, TritonError } from '@nereid/protocol';
import { FakeServedModel } from '@nereid/test-kit';
import { describe, expect, test } from 'vitest';
import type { InferResponse, ResponseSink } from '../../core/infer-response.ts';
import { createHttpHandler } from './http-handler.ts';
import { exchange, type Reply, type Sent } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const wrongCount =
  '{"error":"generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses"}';

const config = {
  input: [
    { name: 'N', data_type: 'TYPE_INT32', dims: [-1] },
    { name: 'M', data_type: 'TYPE_INT32', dims: [-1], optional: true },
  ],
  output: [{ name: 'O', data_type: 'TYPE_INT32', dims: [-1] }],
};

type Act = (sink: ResponseSink, answer: (value: number) => InferResponse) => void;

/** A model, and what it does with the next request. */
function setUp(batched = false): {
  model: FakeServedModel;
  ask: (endpoint: string, act: Act, sent?: Partial<Sent>) => Promise<Reply>;
} {
  const parsed = modelConfigFromJson(JSON.stringify(config));
  const model = new FakeServedModel({
    name: 'm',
    config: {
      ...emptyModelConfig(),
      ...parsed,
      name: 'm',
      max_batch_size: batched ? 4 : 0,
      model_transaction_policy: { decoupled: true },
    },
  });
  const handler = createHttpHandler(httpContext([model]));
  const ask = async (endpoint: string, act: Act, sent: Partial<Sent> = {}): Promise<Reply> => {
    const path = `/v2/models/m/${endpoint}`;
    const reply = exchange(handler, { method: 'POST', path, body: '{"N":1}', ...sent });
    const taken = model.scheduler.enqueued.at(-1);
    if (taken !== undefined) {
      act(taken.sink, (value) => model.scheduler.response(taken.request, [output(value)]));
    }
    return reply;
  };
  return { model, ask };
}

function output(value: number): Tensor {
  const data = Buffer.from(Int32Array.of(value).buffer);
  return { name: 'O', dataType: 'INT32', shape: [1], data };
}

const failure = new TritonError('INTERNAL', 'broken');
const one = '{"O":1,"model_name":"m","model_version":"1"}';
const two = '{"O":2,"model_name":"m","model_version":"1"}';
const half: InferResponse = {
  modelName: 'm',
  modelVersion: '1',
  id: '',
  parameters: new Map(),
  outputs: [{ name: 'O', dataType: 'FP16', shape: [1], data: new Uint8Array(2) }],
};
const noHalf =
  '{"error":"sending FP16 data via JSON is not supported. Please use the binary data format for output"}';

/** What a model does, and what becomes of it on either endpoint. */
const answers: [string, Act, [number, string], [number, string]][] = [
  [
    'answers',
    (sink, answer) => sink.respond(answer(1), true),
    [200, one],
    [200, `data: ${one}\n\n`],
  ],
  [
    'answers, then ends',
    (sink, answer) => {
      sink.respond(answer(1), false);
      sink.respond(null, true);
    },
    [200, one],
    [200, `data: ${one}\n\n`],
  ],
  [
    'answers twice',
    (sink, answer) => {
      sink.respond(answer(1), false);
      sink.respond(answer(2), true);
    },
    [200, wrongCount],
    [200, `data: ${one}\n\ndata: ${two}\n\n`],
  ],
  ['says nothing', (sink) => sink.respond(null, true), [200, wrongCount], [200, '']],
  [
    'fails',
    (sink) => sink.fail(failure),
    [400, '{"error":"broken"}'],
    [400, 'data: {"error":"broken"}\n\n'],
  ],
  [
    'answers with an error of its own',
    (sink) => sink.fail(new TritonError('NOT_FOUND', 'no "such"'), { final: true }),
    [400, '{"error":"no \\"such\\""}'],
    [400, 'data: {"error":"no \\"such\\""}\n\n'],
  ],
  [
    'answers, then fails',
    (sink, answer) => {
      sink.respond(answer(1), false);
      sink.fail(failure);
    },
    [200, wrongCount],
    [200, `data: ${one}\n\ndata: {"error":"broken"}\n\n`],
  ],
  [
    'answers with an error, then goes on',
    (sink, answer) => {
      sink.fail(failure, { final: false });
      sink.respond(answer(2), true);
    },
    [400, wrongCount],
    [400, `data: {"error":"broken"}\n\ndata: ${two}\n\n`],
  ],
  [
    'answers with what JSON cannot say',
    (sink) => sink.respond(half, true),
    [400, noHalf],
    [400, `data: ${noHalf}\n\n`],
  ],
];

describe.each(answers)('a model that %s', (_, act, [status, body], [streamStatus, events]) => {
  test('once', async () => {
    const reply = await setUp().ask('generate', act);
    expect([reply.status, reply.text()]).toEqual([status, body]);
    expect(reply.header('content-type')).toBe('application/json');
  });

  test('as a stream', async () => {
    const { model, ask } = setUp();
    const reply = await ask('generate_stream', act);
    expect([reply.status, reply.text()]).toEqual([streamStatus, events]);
    expect(reply.header('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(model.retained).toBe(0);
  });
});

describe.each(['generate', 'generate_stream', 'versions/1/generate'])('%s', (endpoint) => {
  const refused: [string, Partial<Sent>, number, string][] = [
    ['another method', { method: 'GET' }, 405, 'Method Not Allowed'],
    [
      'a compressed body',
      { headers: { 'content-encoding': 'gzip' } },
      400,
      "Unsupported content-encoding, only 'identity' is supported.",
    ],
    [
      'no JSON',
      { body: '' },
      500,
      'failed to parse the request JSON buffer: The document is empty. at 0',
    ],
    [
      'a missing input',
      { body: '{"M":1}' },
      400,
      "[request id: <id_unknown>] expected number of inputs between 1 and 2 but got 1 inputs for model 'm'. Got input(s) ['M'], but missing required input(s) ['N']. Please provide all required input(s).",
    ],
  ];
  test.each(refused)('refuses %s', async (_, sent, status, error) => {
    const { model, ask } = setUp();
    const reply = await ask(endpoint, () => {}, sent);
    expect([reply.status, JSON.parse(reply.text())]).toEqual([status, { error }]);
    expect(reply.header('content-type')).toBe('application/json');
    expect(model.scheduler.enqueued).toEqual([]);
  });

  test('says what a full queue says, with its status', async () => {
    const full = new TritonError('UNAVAILABLE', 'Exceeds maximum queue size');
    const reply = await setUp().ask(endpoint, (sink) => sink.fail(full));
    expect([reply.status, reply.text()]).toEqual([503, '{"error":"Exceeds maximum queue size"}']);
    expect(reply.header('content-type')).toBe('application/json');
  });

  test('hands on the id, the parameters and the inputs, with the batch dimension', async () => {
    const { model, ask } = setUp(true);
    const body = '{"id":"q","N":[1,2],"parameters":{"k":"v","M":3}}';
    const reply = await ask(endpoint, (sink, answer) => sink.respond(answer(1), true), { body });
    expect(reply.text()).toContain('"id":"q"');
    const { request } = model.scheduler.enqueued[0] ?? { request: null };
    expect(request?.id).toBe('q');
    expect(request?.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['N', [1, 2]],
      ['M', [1, 1]],
    ]);
    expect(request?.parameters.custom.get('k')).toEqual({ kind: 'string', value: 'v' });
  });

  test('is cancelled when its client goes', () => {
    const { model, ask } = setUp();
    void ask(endpoint, () => {}, { abort: true });
    const taken = model.scheduler.enqueued[0];
    expect(taken?.request.cancellation.cancelled).toBe(true);
    taken?.sink.respond(model.scheduler.response(taken.request, [output(1)]), false);
    taken?.sink.fail(new TritonError('CANCELLED', 'cancelled'));
    expect(model.retained).toBe(0);
  });
});

test('another model and version are not found', async () => {
  const { ask } = setUp();
  for (const path of ['/v2/models/x/generate', '/v2/models/m/versions/7/generate_stream']) {
    const reply = await ask('', () => {}, { path });
    expect(reply.status).toBe(404);
  }
});
