import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const delayMs = 1500;
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
  const delay = (ms: number): string =>
    `parameters { key: "execute_delay_ms" value { string_value: "${ms}" } }\n`;
  repository = temporaryRepository({
    'slow/config.pbtxt': identityConfig('INT32', delay(delayMs)),
    'slow/1/': '',
    'endless/config.pbtxt': identityConfig('INT32', delay(60_000)),
    'endless/1/': '',
    'sequence/config.pbtxt': sequenceConfig,
    'sequence/1/': '',
  });
});
afterAll(() => repository.remove());

const body = '{"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[2],"data":[4,2]}]}';

async function infer(server: ServerProcess, model: string): Promise<Response | Error> {
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
  await vi.waitFor(
    async () => expect(await (await fetch(server.metricsUrl ?? '')).text()).toContain(waiting),
    { timeout: 10_000, interval: 10 },
  );
  return answers;
}

it('answers what is executed and what waits before it ends', async () => {
  const server = await ServerProcess.start({ flags: [`--model-repository=${repository.path}`] });
  const answers = await beginTwo(server, 'slow');
  const end = server.stop();
  for (const answer of answers) {
    const response = await answer;
    if (response instanceof Error) throw response;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ outputs: [{ data: [4, 2] }] });
  }
  expect((await end).status).toBe(0);
});

it('takes no new request while it ends', async () => {
  const server = await ServerProcess.start({ flags: [`--model-repository=${repository.path}`] });
  const answers = await beginTwo(server, 'slow');
  const end = server.stop();
  await server.logged(/has 2 in-flight inferences/u);
  const late = await infer(server, 'slow');
  if (!(late instanceof Error)) expect(late.status).toBe(503);
  await Promise.all(answers);
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
  expect((await server.stop(15_000)).status).toBe(1);
  expect(Date.now() - started).toBeGreaterThan(900);
  for (const answer of await Promise.all(answers)) {
    expect(answer instanceof Error || answer.status >= 500).toBe(true);
  }
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'ends with status 0 on %s when it is idle',
  async (signal) => {
    const server = await ServerProcess.start({ flags: [`--model-repository=${repository.path}`] });
    const started = Date.now();
    server.signal(signal);
    expect((await server.ended).status).toBe(0);
    // An idle keep-alive connection (that of the readiness check) must not hold it up.
    expect(Date.now() - started).toBeLessThan(5000);
  },
);
