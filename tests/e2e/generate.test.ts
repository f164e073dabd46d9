import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag } from './python-models.ts';
import { temporaryRepository } from './temporary-repository.ts';

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

const repository = temporaryRepository(
  Object.fromEntries(
    Object.entries(models).flatMap(([name, [config, code]]) => [
      [`${name}/config.pbtxt`, config],
      [`${name}/1/model.py`, code],
    ]),
  ),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
}, 60_000);

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
    await expect
      .poll(() => server.log.match(/stopped early/g)?.length ?? 0, { timeout: 20_000 })
      .toBe(stops + 1);
    expect(residentBytes(server.pid) - before).toBeLessThan(250_000_000);
    expect(server.log).not.toContain('stopped late');
    socket.destroy();
    await closed;
    const next = await post(`${server.url}/v2/models/upper/generate`, { text_input: 'a' });
    expect(next.status).toBe(200);
  }, 30_000);
});

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
