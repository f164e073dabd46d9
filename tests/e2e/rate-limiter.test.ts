import { runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const limited = (priority: number, delayMs = 2): string => `
  instance_group [ { count: 1 kind: KIND_CPU rate_limiter {
    resources [ { name: "Disk" global: true count: 2 } ] priority: ${priority} } } ]
  parameters { key: "execute_delay_ms" value { string_value: "${delayMs}" } }`;

let repository: TemporaryRepository;
let server: ServerProcess | null = null;

beforeAll(() => {
  repository = temporaryRepository({
    'often/config.pbtxt': identityConfig('INT32', limited(1)),
    'often/1/': '',
    'seldom/config.pbtxt': identityConfig('INT32', limited(2)),
    'seldom/1/': '',
    'blocker/config.pbtxt': identityConfig('INT32', limited(1, 60_000)),
    'blocker/1/': '',
  });
});
afterEach(async () => {
  await server?.stop();
  server = null;
});
afterAll(() => repository.remove());

async function infer(model: string, signal: AbortSignal | null = null): Promise<number> {
  const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }];
  const reply = await fetch(`${server?.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
    signal,
  });
  await reply.arrayBuffer();
  return reply.status;
}

/** Requests that wait for a model's instance. */
async function pending(model: string): Promise<number> {
  const page = await (await fetch(server?.metricsUrl ?? '')).text();
  const line = new RegExp(`^nv_inference_pending_request_count\\{model="${model}".* (.+)$`, 'mu');
  return Number(line.exec(page)?.[1]);
}

it('shares a scarce resource between models by their priorities', async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--rate-limit=execution_count',
      '--rate-limit-resource=DISK:3',
    ],
  });
  const gone = new AbortController();
  const blocked = infer('blocker', gone.signal).catch(() => 0);
  const done = { often: 0, seldom: 0 };
  let seldomMeanwhile = 0;
  const requests = (['often', 'seldom'] as const).flatMap((model) =>
    Array.from({ length: 30 }, async () => {
      expect(await infer(model)).toBe(200);
      done[model]++;
      if (model === 'often') seldomMeanwhile = done.seldom;
    }),
  );
  // Nothing runs before all are there: one of each has an instance and waits for the resource.
  await expect
    .poll(async () => [await pending('often'), await pending('seldom')])
    .toEqual([29, 29]);
  gone.abort();
  await Promise.all([blocked, ...requests]);
  expect(seldomMeanwhile).toBeGreaterThan(10);
  expect(seldomMeanwhile).toBeLessThan(20);
  expect(server.log).not.toContain('has no effect');
});

it('does not load a model whose instances could never run', async () => {
  const end = await runServerToEnd({
    flags: [
      `--model-repository=${repository.path}`,
      '--rate-limit=execution_count',
      '--rate-limit-resource=disk:1',
    ],
  });
  expect(end.status).toBe(1);
  expect(end.output).toContain(
    'Resource count for \\"Disk\\" is limited to 1 which will prevent scheduling of one or more model instances, the minimum required count is 2',
  );
});
