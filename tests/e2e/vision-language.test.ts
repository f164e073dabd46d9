import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { TritonVLMClient } from '@nereid/client/vlm';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { ensureTorchEnv } from '../../tools/torch-env.mjs';
import { checkout } from './checkout.ts';
import { documentedCommands, outputShows } from './documented-commands.ts';
import { runCommand } from './run-command.ts';
import { runPytest } from './run-python.ts';

const torch = ensureTorchEnv();
const python = torch.available ? torch.python : '';
const reason = torch.available ? '' : ` (skipped: ${torch.reason})`;
const example = join(checkout, 'examples', 'vision-language');
const jpeg = join(example, 'test_images', 'sample_image.jpg');
const png = join(example, 'test_images', 'sample_image.png');
const loadMsMax = 600_000;

const temporary = mkdtempSync(join(tmpdir(), 'nereid-vision-'));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** The server as `triton_start.sh` starts it where there is no GPU. `runtime` has its packages, or lacks them. */
function serve(
  runtime: string,
  hub: string,
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  return ServerProcess.start({
    flags: [
      `--model-repository=${join(example, 'triton_models')}`,
      '--model-control-mode=lazy',
      '--allow-cpu-fallback=true',
      `--backend-config=python,python-runtime=${runtime}`,
      '--backend-config=python,requirements=ignore',
      ...flags,
    ],
    env: { HF_HOME: hub, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '1' },
  });
}

describe.skipIf(!torch.available)(`the vision-language example${reason}`, () => {
  let server: ServerProcess;

  beforeAll(async () => {
    const hub = join(temporary, 'huggingface');
    const script = join(checkout, 'tests', 'e2e', 'python', 'make_vision_checkpoints.py');
    const made = await runCommand(python, [script, hub], { HF_HUB_OFFLINE: '1' });
    expect(made.status, made.output).toBe(0);
    server = await serve(python, hub);
    const names = ['captioner', 'captioner_stream', 'moondream2', 'moondream2_stream'];
    await Promise.all(
      [...names, 'kosmos2', 'llava'].map(async (name) => {
        const answer = await fetch(`${server.url}/v2/models/${name}/config`);
        expect(answer.status, await answer.text()).toBe(200);
      }),
    );
  }, loadMsMax);
  afterAll(async () => {
    expect((await server?.stop())?.status).toBe(0);
  });

  /** The document's own addresses, turned to the server of this test. */
  const here = (text: string): string =>
    text
      .replaceAll('localhost:8000', `127.0.0.1:${server.port}`)
      .replaceAll('localhost:8001', `127.0.0.1:${server.grpcPort}`);

  const run = (command: string, args: readonly string[]) =>
    runCommand('env', ['-C', example, command, ...args], {
      PATH: [dirname(ensurePythonEnv()), process.env['PATH'] ?? ''].join(delimiter),
    });

  it('says in the log that models which want a GPU run on the CPU', async () => {
    for (const [name, type] of [
      ['moondream2', 'bfloat16'],
      ['kosmos2', 'float32'],
      ['llava', 'float32'],
    ]) {
      expect(server.log).toContain(`model '${name}' asks for instances on a GPU`);
      await server.logged(new RegExp(`${name}: loaded .* on cpu as torch.${type}`, 'u'));
    }
  });

  it('answers its Python client, and that of Triton', async () => {
    const summary = await runPytest('test_vision_language.py', {
      NEREID_URL: `127.0.0.1:${server.port}`,
      NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
      NEREID_VISION_EXAMPLE: example,
    });
    expect(summary).toMatch(/^\d+ passed/u);
  });

  it.each(['http', 'grpc'] as const)('answers its client for Node (%s)', async (protocol) => {
    const port = protocol === 'http' ? server.port : server.grpcPort;
    const client = new TritonVLMClient({ url: `127.0.0.1:${port}`, protocol });
    expect(await client.isReady('captioner')).toBe(true);
    const describe = 'Describe this image in detail.';
    const caption = 'a red circle on a blue background';
    expect(await client.infer('captioner', jpeg, describe)).toBe(caption);
    expect(await client.infer('captioner', readFileSync(jpeg), describe, { maxTokens: 3 })).toBe(
      'a red circle',
    );
    const pieces: string[] = [];
    for await (const piece of client.stream('captioner_stream', jpeg, describe)) pieces.push(piece);
    expect(pieces).toHaveLength(7);
    expect(pieces.join('')).toBe(caption);
    expect(await client.infer('captioner_stream', jpeg, describe)).toBe(caption);
    for await (const piece of client.stream('captioner_stream', png, describe)) {
      expect(piece).toBe('a ');
      break;
    }
    await expect(client.infer('captioner', new Uint8Array(9), describe)).rejects.toThrow(
      "input 'image' is neither PNG nor JPEG",
    );
    await expect(client.infer('captioner', join(example, 'none.png'), describe)).rejects.toThrow(
      'ENOENT',
    );
    await client.close();
  });

  it.each(['captioner', 'captioner_stream'])("answers OpenAI's clients (%s)", async (model) => {
    const url = `data:image/png;base64,${readFileSync(png).toString('base64')}`;
    const content = [
      { type: 'text', text: 'What shape is it?' },
      { type: 'image_url', image_url: { url } },
    ];
    const ask = async (stream: boolean): Promise<string> => {
      const answer = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, stream, messages: [{ role: 'user', content }] }),
      });
      expect(answer.status).toBe(200);
      return answer.text();
    };
    const whole = JSON.parse(await ask(false)) as {
      choices: { message: { content: string } }[];
    };
    expect(whole.choices[0]?.message.content).toBe('a triangle');
    const pieces = [...(await ask(true)).matchAll(/"content":"(?<text>[^"]+)"/gu)];
    expect(pieces.map(({ groups }) => groups?.['text'])).toEqual(
      model === 'captioner' ? ['a triangle'] : ['a ', 'triangle'],
    );
  });

  const guide = readFileSync(join(example, 'README.md'), 'utf8');

  it.each(documentedCommands(guide))('its guide, line $line, works', async ({ script, shows }) => {
    const end = await run('bash', ['-euc', here(script)]);
    expect(end.status, end.output).toBe(0);
    for (const line of shows) {
      expect(outputShows(end.output, here(line)), `${line}\nis not in\n${end.output}`).toBe(true);
    }
  });

  const snippets = [
    ...guide.matchAll(/<!-- run -->\n```(?<language>\w+)\n(?<code>.*?)\n```/gsu),
  ].map(({ groups }) => ({ language: groups?.['language'] ?? '', code: groups?.['code'] ?? '' }));
  const prints = [
    /^word\d+ /u,
    /^a triangle$/u,
    /^blue\na yellow triangle on a black background$/u,
  ];

  it.each(snippets.map((snippet, index) => ({ ...snippet, index })))(
    'its guide, snippet $index ($language), works',
    async ({ language, code, index }) => {
      const end =
        language === 'python'
          ? await run('python', ['-c', here(code)])
          : await run('node', ['--input-type=module', '-e', here(code)]);
      expect(end.status, end.output).toBe(0);
      expect(end.output).toMatch(prints[index] as RegExp);
    },
  );

  it('has a notebook whose cells all run', async () => {
    const end = await runCommand(
      python,
      [
        join(checkout, 'tests', 'e2e', 'python', 'run_notebook.py'),
        join(example, 'notebooks', 'triton_inference.ipynb'),
      ],
      { TRITON_HTTP_URL: `127.0.0.1:${server.port}`, OMP_NUM_THREADS: '1' },
    );
    expect(end.status, end.output).toBe(0);
    expect(end.output).toMatch(/direct \d+ ms, served \d+ ms/u);
  });
});

describe.skipIf(!torch.available)(`without weights${reason}`, () => {
  it(
    'a model says which are missing and how to get them; what is idle is unloaded',
    async () => {
      const hub = join(temporary, 'empty');
      const server = await serve(python, hub, ['--model-idle-unload-secs=1']);
      const ask = async (name: string): Promise<string> =>
        (await fetch(`${server.url}/v2/models/${name}/config`)).text();
      expect(await ask('kosmos2')).toContain(
        `there are no weights of microsoft/kosmos-2-patch14-224 (revision main) in ${hub}/hub: run \`hf download microsoft/kosmos-2-patch14-224 --revision main\``,
      );
      expect(await ask('captioner')).toContain('"name":"captioner"');
      await server.logged(/unloading 'captioner': idle for 1 s/u, 60_000);
      expect((await server.stop()).status).toBe(0);
    },
    loadMsMax,
  );
});

it('a model says which package is missing, and for which Python', async () => {
  const plain = ensurePythonEnv();
  const server = await serve(plain, join(temporary, 'empty'));
  const answer = await fetch(`${server.url}/v2/models/llava/config`);
  expect(await answer.text()).toMatch(
    /the Python package 'transformers' is missing .*: run `.*python.* -m pip install -r/u,
  );
  expect((await server.stop()).status).toBe(0);
});

describe('the start script', () => {
  /** The command for a machine where `nvidia-smi` prints this, or is not there, and these devices are. */
  async function command(
    smi: string | null,
    devices: readonly string[],
    args: readonly string[] = [],
  ): Promise<string> {
    const machine = mkdtempSync(join(temporary, 'machine-'));
    const tools = join(machine, 'bin');
    for (const folder of ['bin', 'dev']) mkdirSync(join(machine, folder));
    for (const device of devices) writeFileSync(join(machine, 'dev', device), '');
    if (smi !== null) {
      writeFileSync(join(tools, 'nvidia-smi'), `#!/bin/sh\n${smi}\n`, { mode: 0o755 });
    }
    const end = await runCommand(join(example, 'triton_start.sh'), ['--print', ...args], {
      PATH: [tools, process.env['PATH'] ?? ''].join(delimiter),
      NVIDIA_DEVICES: join(machine, 'dev'),
    });
    expect(end.status, end.output).toBe(0);
    return end.output;
  }

  const works = 'echo "GPU 0: NVIDIA L4 (UUID: GPU-1)"';

  it.each([
    [works, [], 'GPU'],
    ['echo "NVIDIA-SMI has failed"; exit 9', ['nvidia0'], 'CPU'],
    ['echo "No devices were found"', [], 'CPU'],
  ])('asks the driver (%s)', async (smi, devices, place) => {
    const printed = await command(smi, devices);
    expect(printed.startsWith(`${place}: node `)).toBe(true);
    expect(printed.includes('--allow-cpu-fallback=true')).toBe(place === 'CPU');
  });

  it.skipIf(existsSync('/usr/bin/nvidia-smi'))('looks for devices without its tool', async () => {
    expect(await command(null, ['nvidia0', 'nvidiactl'])).toMatch(/^GPU: /u);
    expect(await command(null, ['nvidiactl'])).toMatch(/^CPU: /u);
  });

  it('chooses the compose file, and takes flags of the server', async () => {
    expect(await command(works, [], ['--docker'])).toMatch(
      /docker compose -f .*\/docker-compose\.yml up -d/u,
    );
    expect(await command('exit 1', [], ['--docker'])).toMatch(/\/docker-compose-cpu\.yml up -d/u);
    expect(await command(works, [], ['--http-port=9000'])).toMatch(/ --http-port=9000\n$/u);
  });
});

it.skipIf(!torch.available)(`the compose files are what they should be${reason}`, async () => {
  const read = `import json, sys, yaml
print(json.dumps([yaml.safe_load(open(path)) for path in sys.argv[1:]]))`;
  const files = ['docker-compose.yml', 'docker-compose-cpu.yml'].map((file) => join(example, file));
  const { status, output } = await runCommand(python, ['-c', read, ...files]);
  expect(status, output).toBe(0);
  const [gpu, cpu] = JSON.parse(output) as { services: { triton: Record<string, unknown> } }[];
  for (const file of [gpu, cpu]) {
    expect(file?.services.triton).toMatchObject({
      build: { context: '../..', dockerfile: 'examples/vision-language/Dockerfile' },
      ports: ['8000:8000', '8001:8001', '8002:8002'],
    });
  }
  expect(gpu?.services.triton['deploy']).toMatchObject({
    resources: { reservations: { devices: [{ driver: 'nvidia', capabilities: ['gpu'] }] } },
  });
  expect(cpu?.services.triton['deploy']).toBe(undefined);
  expect(cpu?.services.triton['command']).toContain('--allow-cpu-fallback=true');
});
