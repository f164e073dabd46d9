import { TritonError } from '@nereid/protocol';
import type { HttpHandler, HttpRequest } from '@nereid/transport';
import { describe, expect, it } from 'vitest';
import { RestrictedApis } from '../../control-plane/restricted-apis.ts';
import { QueueFullError } from '../../core/queue-full-error.ts';
import { plainRequest, type Reply } from '../http/testing/exchange.ts';
import {
  answered,
  ask,
  enqueued,
  handlerOf,
  hello,
  plain,
  post,
  served,
  texts,
  vllm,
} from './testing/openai-exchange.ts';

interface ErrorObject {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

function errorOf(reply: Reply): ErrorObject {
  return (JSON.parse(reply.text()) as { error: ErrorObject }).error;
}

describe('errors', () => {
  const refused: [string, object | string, number, string | null, string | null][] = [
    ['no JSON', '{', 400, null, 'invalid_json'],
    ['deep JSON', '['.repeat(5000), 400, null, 'invalid_json'],
    ['no object', '[]', 400, 'body', 'invalid_type'],
    ['too much', `"${'a'.repeat(100_000)}"`, 413, null, 'request_too_large'],
    ['no model', {}, 400, 'model', 'missing_required_parameter'],
    ['another model', { ...hello, model: 'x' }, 404, 'model', 'model_not_found'],
    ['no messages', { model: 'm' }, 400, 'messages', 'missing_required_parameter'],
    ['empty messages', { ...hello, messages: [] }, 400, 'messages', 'missing_required_parameter'],
    ['messages of a wrong type', { ...hello, messages: 'a' }, 400, 'messages', 'invalid_type'],
    ['a message of a wrong type', { ...hello, messages: [1] }, 400, 'messages[0]', 'invalid_type'],
    [
      'a role that there is not',
      { ...hello, messages: [{ role: '__proto__', content: '' }] },
      400,
      'messages[0].role',
      'invalid_value',
    ],
    [
      'content that is no text',
      { ...hello, messages: [{ role: 'user', content: 1 }] },
      400,
      'messages[0].content',
      'invalid_type',
    ],
    [
      'an image for a model without eyes',
      withImage('data:image/png;base64,AAAA'),
      400,
      'messages',
      'unsupported_value',
    ],
    [
      'an address to fetch',
      withImage('http://169.254.169.254/'),
      400,
      'messages[0].content[0].image_url.url',
      'unsupported_value',
    ],
    [
      'broken base64',
      withImage('data:image/png;base64,A*'),
      400,
      'messages[0].content[0].image_url.url',
      'invalid_base64',
    ],
    ['too many choices', { ...hello, n: 1e9 }, 400, 'n', 'invalid_value'],
    ['half a choice', { ...hello, n: 1.5 }, 400, 'n', 'invalid_type'],
    ['a hot model', { ...hello, temperature: 3 }, 400, 'temperature', 'invalid_value'],
    ['no number', { ...hello, temperature: '1' }, 400, 'temperature', 'invalid_type'],
    [
      'tools of its own accord',
      { ...hello, tools: [{ type: 'function', function: { name: 'f' } }] },
      400,
      'tool_choice',
      'unsupported_value',
    ],
    [
      'a format that the model cannot keep',
      { ...hello, response_format: { type: 'json_object' } },
      400,
      'response_format',
      'unsupported_value',
    ],
    ['log probabilities', { ...hello, logprobs: true }, 400, 'logprobs', 'unsupported_value'],
    [
      'usage of no stream',
      { ...hello, stream_options: {} },
      400,
      'stream_options',
      'invalid_value',
    ],
    ['a biased model', { ...hello, logit_bias: {} }, 400, 'logit_bias', 'unsupported_value'],
  ];

  it.each(refused)('%s', async (_, body, status, param, code) => {
    const model = served(plain, answered);
    const reply = await ask(model, post('chat/completions', body));
    expect({ status: reply.status, ...errorOf(reply) }).toMatchObject({ status, param, code });
    expect(model.scheduler.enqueued).toEqual([]);
    expect(model.retained).toBe(0);
  });

  const failures: [TritonError, number, string, string | null][] = [
    [new QueueFullError(), 429, 'rate_limit_error', 'rate_limit_exceeded'],
    [new TritonError('UNAVAILABLE', 'not now'), 503, 'service_unavailable', null],
    [new TritonError('INTERNAL', 'broken'), 500, 'server_error', null],
    [new TritonError('INVALID_ARG', 'no'), 400, 'invalid_request_error', null],
  ];

  it.each(failures)('%s', async (failure, status, type, code) => {
    for (const stream of [false, true]) {
      const reply = await ask(
        served(vllm, () => failure),
        post('chat/completions', { ...hello, stream, n: 2 }),
      );
      const error = { message: failure.message, type, param: null, code };
      expect([reply.status, errorOf(reply)]).toEqual([status, error]);
    }
  });

  it('of a stream that has begun', async () => {
    const model = served(vllm, () => null);
    const reply = ask(model, post('completions', { model: 'm', prompt: 'a', stream: true }));
    const { request, sink } = await enqueued(model);
    sink.respond(model.scheduler.response(request, [texts('text_output', 'a')]), false);
    sink.fail(new TritonError('INTERNAL', 'broken'));
    const events = (await reply).text().split('\n\n');
    expect(events.slice(1)).toEqual([
      'data: {"error":{"message":"broken","type":"server_error","param":null,"code":null}}',
      'data: [DONE]',
      '',
    ]);
  });

  it('of an answer that is no text', async () => {
    const model = served(vllm, () => [texts('text_output', 'a', 'b')]);
    const reply = await ask(model, post('chat/completions', hello));
    expect([reply.status, errorOf(reply).message]).toEqual([
      500,
      "expected one string in output 'text_output' of the model",
    ]);
  });

  it('of the endpoint itself', async () => {
    const model = served(vllm, answered);
    const wrongMethod = await ask(model, { method: 'GET', path: '/v1/chat/completions' });
    expect([wrongMethod.status, errorOf(wrongMethod)]).toEqual([
      405,
      {
        message: 'Not allowed to GET on /v1/chat/completions: it takes POST',
        type: 'invalid_request_error',
        param: null,
        code: 'method_not_allowed',
      },
    ]);
    expect(wrongMethod.header('allow')).toBe('POST');
    const restrictedApis = new RestrictedApis([
      { categories: ['inference'], key: 'Authorization', value: 'Bearer k' },
    ]);
    const closed = await ask(model, post('chat/completions', hello), { restrictedApis });
    expect([closed.status, errorOf(closed)]).toEqual([
      401,
      {
        message: "This API is restricted, expecting header 'Authorization' with valid value",
        type: 'authentication_error',
        param: null,
        code: 'invalid_auth',
      },
    ]);
    const headers = { authorization: 'Bearer k' };
    const open = await ask(model, post('chat/completions', hello, { headers }), { restrictedApis });
    expect(open.status).toBe(200);
  });

  it.each([
    ['POST', '/v1/responses'],
    ['POST', '/v1/audio/speech'],
    ['GET', '/v1/files'],
    ['DELETE', '/v1'],
    ['POST', '/v1/chat/completions/'],
  ])('of an endpoint that is missing: %s %s', async (method, path) => {
    const reply = await ask(served(vllm, answered), { method, path });
    expect([reply.status, reply.header('content-type'), errorOf(reply)]).toEqual([
      404,
      'application/json',
      {
        message: expect.stringContaining(`Invalid URL (${method} ${path}): this server has /v1/`),
        type: 'invalid_request_error',
        param: null,
        code: 'unknown_url',
      },
    ]);
  });

  it('of a long path are short', async () => {
    const path = `/v1/${'a'.repeat(8000)}`;
    const reply = await ask(served(vllm, answered), { method: 'GET', path });
    expect(errorOf(reply).message.length).toBeLessThan(400);
  });

  it('of a body that is too long, wherever it was sent', async () => {
    for (const path of ['/v1/completions', '/v1/responses']) {
      const sent = { method: 'POST', path, headers: { 'content-length': '9999999' } };
      const reply = await ask(served(vllm, answered), sent);
      expect([reply.status, errorOf(reply).code]).toEqual([413, 'request_too_large']);
    }
  });

  it.each([
    ['/v1/completions', 408, 'invalid_request_error', null],
    ['/v1/responses', 413, 'invalid_request_error', 'request_too_large'],
    ['/v1/completions', 503, 'service_unavailable', null],
    ['/v1/completions', 500, 'server_error', null],
  ])('that the transport answers: %s %i', (path, status, type, code) => {
    const { handler, request } = unanswered(path);
    const body = handler.refusal?.(request, status, 'why')?.body ?? '';
    expect(JSON.parse(body)).toEqual({ error: { message: 'why', type, param: null, code } });
  });

  it('leave those of Triton’s API as they are', () => {
    for (const path of ['/v2/models/m/infer', '/v11', '/']) {
      const { handler, request } = unanswered(path);
      expect(handler.refusal?.(request, 413, 'why')?.body).toBe('{"error":"why"}');
    }
    expect(unanswered('/').handler.refusal?.(null, 431, 'why')?.body).toBe('{"error":"why"}');
  });

  it('is not there when it is turned off', async () => {
    const off = { options: { maxInputBytes: 1000, openAi: null } };
    const reply = await ask(served(vllm, answered), post('chat/completions', hello), off);
    expect([reply.status, reply.text()]).toEqual([404, '{"error":"Not Found"}']);
  });
});

function unanswered(path: string): { handler: HttpHandler; request: HttpRequest } {
  const request = plainRequest({ method: 'POST', path });
  return { handler: handlerOf(served(vllm, answered)), request };
}

function withImage(url: string): object {
  return {
    model: 'm',
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
  };
}
