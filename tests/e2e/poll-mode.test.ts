import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterEach, expect, it } from 'vitest';
import { exampleModels } from './checkout.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

let repository: TemporaryRepository | null = null;
afterEach(() => repository?.remove());

it('follows what happens in the repository', async () => {
  repository = temporaryRepository({
    'first/config.pbtxt': identityConfig('INT32'),
    'first/1/': '',
  });
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=poll',
      '--repository-poll-secs=1',
    ],
  });
  const status = async (path: string): Promise<number> =>
    (await fetch(`${server.url}/v2/models/${path}`)).status;
  expect(await status('first/ready')).toBe(200);

  const simple = join(repository.path, 'simple');
  mkdirSync(join(simple, '1'), { recursive: true });
  copyFileSync(join(exampleModels, 'simple/1/model.onnx'), join(simple, '1/model.onnx'));
  copyFileSync(join(exampleModels, 'simple/config.pbtxt'), join(simple, 'config.pbtxt'));
  await expect.poll(() => status('simple/ready')).toBe(200);

  repository.write('first/config.pbtxt', identityConfig('FP32'));
  const metadata = async () => (await fetch(`${server.url}/v2/models/first`)).json();
  await expect.poll(metadata).toMatchObject({ inputs: [{ datatype: 'FP32' }] });

  // A broken change is told in the log, and what served goes on serving.
  repository.write('first/config.pbtxt', 'max_batch_size: many');
  await server.logged(/first\/config\.pbtxt:1:\d+: .*many/u);
  expect(await status('first/ready')).toBe(200);

  rmSync(simple, { recursive: true });
  await expect.poll(() => status('simple/ready')).not.toBe(200);
  expect(await status('first/ready')).toBe(200);

  const load = await fetch(`${server.url}/v2/repository/models/first/load`, { method: 'POST' });
  expect(load.status).toBe(503);
  await load.arrayBuffer();
  expect((await server.stop()).status).toBe(0);
});
