import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseOptions } from './options/parse-options.ts';
import { Server } from './server.ts';

const exampleModels = fileURLToPath(new URL('../../../examples/models', import.meta.url));

it('opens no port when it is stopped while it loads its models', async () => {
  const parsed = parseOptions(
    [
      `--model-repository=${exampleModels}`,
      '--model-control-mode=explicit',
      '--load-model=simple',
      '--http-port=0',
      '--allow-grpc=false',
      '--allow-metrics=false',
      '--log-info=false',
    ],
    {},
  );
  if (parsed.kind !== 'run') throw new Error('the flags are wrong');
  const server = new Server(parsed.options);
  const started = server.start();
  const stopped = server.stop();
  await expect(started).rejects.toThrow('Server exiting');
  expect(await stopped).toBe(true);
  expect(server.httpAddress).toBeNull();
  expect([...server.modelLifeCycle.readyModels()]).toEqual([]);
});
