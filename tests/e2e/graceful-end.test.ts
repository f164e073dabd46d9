import { once } from 'node:events';
import { connect } from 'node:net';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { heldModel, javascriptConfig } from './javascript-models.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const sequenceConfig = `backend: "sequence"
max_batch_size: 1
input [ { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
output [ { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
sequence_batching {
  max_sequence_idle_microseconds: 600000000
  control_input [
    { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } ] },
    { name: "READY" control [ { kind: CONTROL_SEQUENCE_READY int32_false_true: [ 0, 1 ] } ] }
  ]
}`;
let repository: TemporaryRepository;
beforeAll(() => {
  const delay = 'parameters { key: "execute_delay_ms" value { string_value: "60000" } }\n';
  repository = temporaryRepository({
    'held/config.pbtxt': javascriptConfig(),
    'held/1/model.js': heldModel(),
    'endless/config.pbtxt': identityConfig('INT32', delay),
    'endless/1/': '',
    'sequence/config.pbtxt': sequenceConfig,
    'sequence/1/': '',
  });
});
afterAll(() => repository.remove());

async function infer(server: ServerProcess, model: string): Promise<Response | Error> {
  const name = model === 'held' ? 'X' : 'INPUT0';
  const body = JSON.stringify({ inputs: [{ name, datatype: 'INT32', shape: [2], data: [4, 2] }] });
  return fetch(`${server.url}/v2/models/${model}/infer`, { method: 'POST', body }).catch(
    (error: Error) => error,
  );
}

/** Sends two requests to a model of one instance; resolves when one is executed and one waits. */
async function beginTwo(
  server: ServerProcess,
  model: string,
): Promise<readonly Promise<Response | Error>[]> {
  const answers = [infer(server, model), infer(server, model)];
  const waiting = `nv_inference_pending_request_count{model="${model}",version="1"} 1`;
  const page = async () => (await fetch(server.metricsUrl ?? '')).text();
  await expect.poll(page, { interval: 10 }).toContain(waiting);
  return answers;
}

it('answers what is executed and what waits before it ends, and takes no new request', async () => {
  repository.write('held/1/hold', '');
  const server = await ServerProcess.start({ flags: [`--model-repository=${repository.path}`] });
  const answers = await beginTwo(server, 'held');
  const end = server.stop();
  await server.logged(/has 2 in-flight inferences/u);
  const late = await infer(server, 'held');
  if (!(late instanceof Error)) expect(late.status).toBe(503);
  repository.remove('held/1/hold');
  for (const answer of answers) {
    const response = await answer;
    if (response instanceof Error) throw response;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ outputs: [{ data: [4, 2] }] });
  }
  expect((await end).status).toBe(0);
});

it('lets sequences go on to their end, and begins no others', async () => {
  const server = await ServerProcess.start({ flags: [`--model-repository=${repository.path}`] });
  const send = async (id: number, parameters: object): Promise<readonly [number, unknown]> => {
    const inputs = [{ name: 'INPUT', datatype: 'INT32', shape: [1, 1], data: [5] }];
    const answer = await fetch(`${server.url}/v2/models/sequence/infer`, {
      method: 'POST',
      body: JSON.stringify({ parameters: { sequence_id: id, ...parameters }, inputs }),
    });
    return [answer.status, await answer.json()];
  };
  expect((await send(7, { sequence_start: true }))[0]).toBe(200);
  const end = server.stop();
  await server.logged(/Model 'sequence' \(version 1\) has 1 in-flight inferences/u);
  expect((await send(8, { sequence_start: true }))[0]).toBe(503);
  expect((await send(7, { sequence_end: true }))[0]).toBe(200);
  expect((await end).status).toBe(0);
});

it('ends when --exit-timeout-secs have passed, whatever is still executed', async () => {
  const server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, '--exit-timeout-secs=1'],
  });
  const answers = await beginTwo(server, 'endless');
  const started = Date.now();
  expect((await server.stop()).status).toBe(1);
  expect(Date.now() - started).toBeGreaterThan(900);
  for (const answer of await Promise.all(answers)) {
    expect(answer instanceof Error || answer.status >= 500).toBe(true);
  }
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'ends with status 0 on %s when it is idle',
  async (signal) => {
    const server = await ServerProcess.start({
      flags: [`--model-repository=${repository.path}`, '--exit-timeout-secs=3600'],
    });
    // A connection that stays open must not hold it up.
    const idle = connect(server.port, '127.0.0.1');
    idle.write('GET /v2/health/ready HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(String(await once(idle, 'data'))).toContain('200 OK');
    server.signal(signal);
    expect((await server.ended).status).toBe(0);
    idle.destroy();
  },
);
