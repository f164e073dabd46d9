import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TritonError } from '@nereid/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningServer, type StartServerOptions, startServer } from './index.ts';

const exampleModels = fileURLToPath(new URL('../../../examples/models', import.meta.url));

let server: RunningServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const only = (model: string): string[] => [
  '--model-control-mode=explicit',
  `--load-model=${model}`,
];

async function start(options: Partial<StartServerOptions> = {}): Promise<RunningServer> {
  server = await startServer({
    modelRepository: exampleModels,
    httpPort: null,
    flags: only('simple'),
    ...options,
  });
  return server;
}

const body = JSON.stringify({
  inputs: ['INPUT0', 'INPUT1'].map((name, i) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    data: Array.from({ length: 16 }, (_, n) => (i === 0 ? n : 1)),
  })),
});

async function refusal(options: Partial<StartServerOptions>): Promise<string> {
  return start(options).then(
    () => 'started',
    (error: unknown) => {
      expect(error).toBeInstanceOf(TritonError);
      return `${(error as TritonError).code} ${(error as TritonError).message}`;
    },
  );
}

describe('startServer', () => {
  it('answers injected requests without opening a port', async () => {
    const { httpUrl, metricsUrl, inject } = await start();
    expect([httpUrl, metricsUrl]).toEqual([null, null]);
    const reply = await inject({ method: 'POST', path: '/v2/models/simple/infer', body });
    expect(reply.status).toBe(200);
    const { outputs } = JSON.parse(reply.body.toString());
    expect(outputs[0].data).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
    expect(outputs[1].data).toEqual(Array.from({ length: 16 }, (_, n) => n - 1));
    expect((await inject({ method: 'GET', path: '/v2/models/nothing' })).status).toBe(404);
  });

  it('answers the same over the ports that it opens', async () => {
    const { httpUrl, metricsUrl } = await start({ httpPort: 0, metricsPort: 0 });
    const answer = await fetch(`${httpUrl}/v2/models/simple/infer`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    const metrics = await (await fetch(metricsUrl as string)).text();
    expect(metrics).toContain('nv_inference_request_success{model="simple",version="1"} 1');
  });

  it('lets several servers live in one process', async () => {
    const first = await start({ httpPort: 0 });
    const second = await startServer({
      modelRepository: exampleModels,
      httpPort: 0,
      flags: only('simple_identity'),
    });
    const index = async (running: RunningServer): Promise<string> =>
      (await running.inject({ method: 'GET', path: '/v2/models' })).body.toString();
    expect(await index(first)).not.toBe(await index(second));
    await second.stop();
    expect((await first.inject({ method: 'GET', path: '/v2/health/ready' })).status).toBe(200);
  });

  it('refuses requests once it stops', async () => {
    const running = await start();
    await running.stop();
    const reply = await running.inject({ method: 'GET', path: '/v2/health/ready' });
    expect(reply.status).toBe(503);
    const infer = await running.inject({ method: 'POST', path: '/v2/models/simple/infer', body });
    expect(infer.status).toBe(404);
  });

  it('says what keeps it from starting, and leaves nothing behind', async () => {
    expect(await refusal({ modelRepository: '/does/not/exist' })).toMatch(
      /^INVALID_ARG failed to stat file \/does\/not\/exist .*--model-repository/u,
    );
    expect(await refusal({ flags: ['--no-such-flag'] })).toMatch(/^INVALID_ARG .*no-such-flag/u);
    expect(
      await refusal({ flags: ['--model-control-mode=explicit', '--load-model=nothing'] }),
    ).toBe('INTERNAL failed to load all models');
  });

  it('names the flag of a port that is taken', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    expect(await refusal({ httpPort: port })).toMatch(
      /^UNAVAILABLE .*already in use.*--http-port/u,
    );
    await new Promise((resolve) => holder.close(resolve));
  });
});
