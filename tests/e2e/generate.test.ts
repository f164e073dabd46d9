import { connect } from 'node:net';
import { residentBytes, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag } from './python-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';

const textConfig = (extra = ''): string => `backend: "python"
max_batch_size: 0
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
${extra}`;

const decoupled = textConfig('model_transaction_policy { decoupled: true }');

const head = `import json, threading
import numpy as np
import triton_python_backend_utils as pb_utils

def answer(text):
    return pb_utils.InferenceResponse([pb_utils.Tensor("text_output", np.array([text], dtype=object))])


class TritonPythonModel:
`;

const models: Record<string, readonly [config: string, code: string]> = {
  upper: [
    textConfig(),
    `${head}    def execute(self, requests):
        return [answer(r.inputs()[0].as_numpy()[0].upper()) for r in requests]
`,
  ],
  words: [
    decoupled,
    `${head}    def execute(self, requests):
        for r in requests:
            sender, text = r.get_response_sender(), r.inputs()[0].as_numpy()[0]
            if json.loads(r.parameters()).get("stream") == False:
                text = text.replace(b" ", b"_")
            for word in text.split():
                sender.send(answer(word))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`,
  ],
  cached: [
    textConfig(),
    `${head}    def initialize(self, args):
        self.family = pb_utils.MetricFamily(
            name="nv_trt_llm_kv_cache_block_metrics", description="KV cache", kind=pb_utils.MetricFamily.GAUGE)
        self.kept = []
        for type, value in (("tokens_per", 64), ("used", 3), ("max", 12)):
            metric = self.family.Metric(labels={"kv_cache_block_type": type, "model": "cached", "version": "1"})
            metric.set(value)
            self.kept.append(metric)

    def execute(self, requests):
        return [answer(b"done") for _ in requests]
`,
  ],
  endless: [
    decoupled,
    `${head}    def execute(self, requests):
        for r in requests:
            threading.Thread(target=self.run, args=(r.get_response_sender(),)).start()

    def run(self, sender):
        count = 0
        while not sender.is_cancelled() and count < 4000:
            sender.send(answer(b"x" * 100_000))
            count += 1
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        pb_utils.Logger.log_info(f"stopped {'early' if count < 4000 else 'late'}")
`,
  ],
};

const square = `backend: "square"
max_batch_size: 0
model_transaction_policy { decoupled: true }
input [ { name: "IN" data_type: TYPE_INT32 dims: [ 1 ] } ]
output [ { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
parameters { key: "CUSTOM_FAIL_COUNT" value { string_value: "1" } }
parameters { key: "CUSTOM_EMPTY_COUNT" value { string_value: "1" } }
`;

const repository = temporaryRepository({
  'square/config.pbtxt': square,
  'square/1/': '',
  ...modelFiles(models, ([config, code]) => ({ 'config.pbtxt': config, '1/model.py': code })),
});
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
});

afterAll(async () => {
  await server?.stop();
  repository.remove();
});

/** Both ports answer HTTP. */
const origins = (): string[] => [server.url, `http://127.0.0.1:${server.grpcPort}`];

function post(url: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(body), ...(signal && { signal }) });
}

async function answerOf(reply: Response): Promise<{ text_output?: string; error?: string }> {
  return (await reply.json()) as { text_output?: string; error?: string };
}

describe('generate', () => {
  it('answers with plain JSON on either port', async () => {
    for (const origin of origins()) {
      const reply = await post(`${origin}/v2/models/upper/generate`, {
        text_input: 'hällo',
        id: '1',
      });
      expect(await reply.json()).toEqual({
        id: '1',
        model_name: 'upper',
        model_version: '1',
        text_output: 'HäLLO',
      });
    }
  });

  it('carries megabytes either way', async () => {
    const text = 'x'.repeat(20_000_000);
    const reply = await post(`${server.url}/v2/models/upper/generate`, { text_input: text });
    expect((await answerOf(reply)).text_output).toBe(text.toUpperCase());
    const streamed = await post(`${server.url}/v2/models/upper/generate_stream`, {
      text_input: text,
    });
    expect(await streamed.text()).toContain(text.toUpperCase());
  });

  it('tells how full the model’s cache is, to who asks', async () => {
    const reply = await fetch(`${server.url}/v2/models/cached/generate`, {
      method: 'POST',
      headers: { 'Endpoint-Load-Metrics-Format': 'text' },
      body: '{"text_input":"a"}',
    });
    expect(reply.headers.get('endpoint-load-metrics')).toBe(
      'TEXT named_metrics.kv_cache_utilization=0.250000, named_metrics.max_token_capacity=768',
    );
  });

  it('wants one answer of a decoupled model', async () => {
    const url = `${server.url}/v2/models/words/generate`;
    const one = await post(url, { text_input: 'a b', parameters: { stream: false } });
    expect((await answerOf(one)).text_output).toBe('a_b');
    const two = await post(url, { text_input: 'a b' });
    expect((await answerOf(two)).error).toMatch(
      /^generate expects model to produce exactly 1 response/,
    );
  });
});

describe('generate_stream', () => {
  it('sends each answer as an event', async () => {
    for (const origin of origins()) {
      const reply = await post(`${origin}/v2/models/words/generate_stream`, {
        text_input: 'a b c',
      });
      expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      const events = (await reply.text()).split('\n\n');
      expect(events.pop()).toBe('');
      const words = events.map((event) => JSON.parse(event.slice('data: '.length)).text_output);
      expect(words).toEqual(['a', 'b', 'c']);
    }
  });

  it('counts each answer of a backend that tells of them', async () => {
    const reply = await post(`${server.url}/v2/models/square/generate_stream`, { IN: 3 });
    expect((await reply.text()).split('\n\n')).toHaveLength(3);
    const stats = await (await fetch(`${server.url}/v2/models/square/stats`)).json();
    const { response_stats } = (stats as { model_stats: { response_stats: object }[] })
      .model_stats[0] ?? { response_stats: {} };
    const one = { count: 1, ns: expect.any(Number) };
    const none = { count: 0, ns: 0 };
    const all = { success: none, fail: none, empty_response: none, cancel: none };
    expect(response_stats).toEqual({
      0: { compute_infer: one, compute_output: one, ...all, success: one },
      1: { compute_infer: one, compute_output: one, ...all, fail: one },
      2: { compute_infer: one, compute_output: none, ...all, empty_response: one },
    });
  });

  it('tells the model that its client has gone', async () => {
    const controller = new AbortController();
    const url = `${server.url}/v2/models/endless/generate_stream`;
    const reply = await post(url, { text_input: '' }, controller.signal);
    const reader = reply.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    controller.abort();
    await server.logged(/stopped early/);
  });

  it('bounds what it keeps for a client that does not read', async () => {
    const before = residentBytes(server.pid);
    const stops = server.log.match(/stopped early/g)?.length ?? 0;
    const body = '{"text_input":""}';
    const socket = connect(server.port, '127.0.0.1').pause();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.write(
      `POST /v2/models/endless/generate_stream HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => server.log.match(/stopped early/g)?.length ?? 0).toBe(stops + 1);
    expect(residentBytes(server.pid) - before).toBeLessThan(250_000_000);
    expect(server.log).not.toContain('stopped late');
    socket.destroy();
    await closed;
    const next = await post(`${server.url}/v2/models/upper/generate`, { text_input: 'a' });
    expect(next.status).toBe(200);
  });
});
