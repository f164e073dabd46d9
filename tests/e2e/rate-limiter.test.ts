import { runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const limited = (priority: number, resource: string): string => `
  instance_group [ { count: 1 kind: KIND_CPU rate_limiter {
    resources [ { name: "${resource}" global: true count: 2 } ] priority: ${priority} } } ]
  parameters { key: "execute_delay_ms" value { string_value: "2" } }`;

let repository: TemporaryRepository;
let server: ServerProcess | null = null;

beforeAll(() => {
  repository = temporaryRepository({
    'often/config.pbtxt': identityConfig('INT32', limited(1, 'Disk')),
    'often/1/': '',
    'seldom/config.pbtxt': identityConfig('INT32', limited(2, 'Disk')),
    'seldom/1/': '',
  });
});
afterEach(async () => {
  await server?.stop();
  server = null;
});
afterAll(() => repository.remove());

async function infer(model: string): Promise<number> {
  const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }];
  const reply = await fetch(`${server?.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  await reply.arrayBuffer();
  return reply.status;
}

it('shares a scarce resource between models by their priorities', async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--rate-limit=execution_count',
      '--rate-limit-resource=DISK:3',
    ],
  });
  const counts: Record<string, number> = { often: 0, seldom: 0 };
  let left = 150;
  const client = async (model: string): Promise<void> => {
    while (left > 0) {
      left--;
      expect(await infer(model)).toBe(200);
      counts[model] = (counts[model] ?? 0) + 1;
    }
  };
  await Promise.all(['often', 'seldom', 'often', 'seldom'].map(client));
  const ratio = (counts['often'] ?? 0) / (counts['seldom'] ?? 1);
  expect(ratio).toBeGreaterThan(1.6);
  expect(ratio).toBeLessThan(2.4);
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
