import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { identityModel, ServerProcess, TritonProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { ensureTritonPeer } from '../../tools/triton-peer.mjs';
import { checkout } from './checkout.ts';
import { nereidScript, runNereid } from './nereid-command.ts';
import { type CommandEnd, runCommand } from './run-command.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const model = `import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUTPUT0",
            pb_utils.get_input_tensor_by_name(request, "INPUT0").as_numpy())]) for request in requests]
`;
const config = (batch: number, backend = 'identity'): string => `backend: "${backend}"
max_batch_size: ${batch}
input [ { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] } ]
instance_group [ { kind: KIND_CPU } ]
version_policy { all { } }
`;

const filesFor = (backend: string) => ({
  'models.toml': '[[models.echo]]\nurl = "https://example.org/model.py"\nlocal_name = "model.py"\n',
  'triton/echo/1/model.py': model,
  'triton/echo/2/model.py': model,
  'triton-config/echo/cpu.pbtxt': config(4, backend),
  'triton-config/echo/gpu.pbtxt': config(8, backend),
});
const files = filesFor('identity');

interface Running {
  readonly port: number;
  readonly grpcPort: number | null;
  readonly metricsUrl: string | null;
  stop(): Promise<unknown>;
}

const peer = ensureTritonPeer();

/** The commands of one kind of server, over both protocols. */
function contract(backend: string, start: (folder: string) => Promise<Running>): void {
  let folder: TemporaryRepository;
  let server: Running;
  const manage = (...args: string[]): Promise<CommandEnd> =>
    runNereid(['manage', ...args], { cwd: folder.path, env: urls() });
  const urls = () => ({ NEREID_URL: `127.0.0.1:${server.port}` });

  beforeAll(async () => {
    folder = temporaryRepository(filesFor(backend));
    await runNereid(['manage', 'copy-config', '--cpu'], { cwd: folder.path });
    server = await start(join(folder.path, 'triton'));
  }, 180_000);
  afterAll(async () => {
    await server?.stop();
    folder?.remove();
  });

  it.each(['http', 'grpc'])('prints the configuration over %s', async (protocol) => {
    const url = protocol === 'http' ? `${server.port}` : `${server.grpcPort}`;
    const where = ['--url', `${protocol}://127.0.0.1:${url}`];
    const text = await manage('get-model-config', '--model', 'echo', ...where);
    expect(text.stdout, text.stderr).toContain('max_batch_size: 4\n');
    expect(text.stdout).toContain('  all { }\n');
    const table = await manage('list-models', ...where);
    expect(table.stdout, table.stderr).toMatch(/^echo +1 +READY .*\necho +2 +READY /mu);
    const json = await manage('get-model-config', 'echo', '--json', ...where);
    expect(JSON.parse(json.stdout)).toMatchObject({ name: 'echo', max_batch_size: 4 });
    const listed = await manage('list-models', '--json', ...where);
    expect(JSON.parse(listed.stdout)[0]).toMatchObject({ name: 'echo', version: '1', failed: 0 });
    const ran = await runNereid(['infer', 'echo', '--input', 'INPUT0=1,2', ...where]);
    expect(ran.stdout, ran.stderr).toBe('OUTPUT0  INT32 [1, 2]\n[[1, 2]]\n');
  });

  it('tells percentiles of latencies, wherever the metrics are', async () => {
    const args = ['stats', '--metrics-url', server.metricsUrl ?? ''];
    const { stdout, stderr } = await runNereid(args, { env: urls() });
    expect(stdout, stderr).toMatch(/LATENCY +P50 +P99 +QUEUE/u);
  });

  it('loads, lists and unloads', async () => {
    const unloaded = await manage('unload-model', '--model', 'echo');
    expect(unloaded.status, unloaded.stderr).toBe(0);
    expect((await manage('list-models', '--ready')).stdout).not.toContain('echo');

    const loaded = await manage('load-model', '--model', 'echo', '--model-version', '1');
    expect(loaded.status, loaded.stderr).toBe(0);
    expect(await ready()).toEqual(['1']);
    expect((await manage('load-model', 'echo', '--model-version', 'all')).status).toBe(0);
    expect(await ready()).toEqual(['1', '2']);
  });

  it('ends with a status that tells what is wrong', async () => {
    const unknown = await manage('load-model', '--model', 'absent');
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain("failed to load 'absent'");
    expect((await manage('list-models', '--url', '127.0.0.1:1')).status).toBe(3);
    const mistyped = await manage('unload-model', 'ecko');
    expect(mistyped.status).toBe(4);
    expect(mistyped.stderr).toContain("the server knows no model 'ecko': did you mean 'echo'?");
    expect((await manage('load-model')).status).toBe(2);
    expect((await manage('enable-model', '--model', 'absent')).status).toBe(4);
  });

  async function ready(): Promise<string[]> {
    const { stdout } = await manage('list-models', '--json', '--ready');
    return JSON.parse(stdout).map(({ version }: { version: string }) => version);
  }
}

describe('nereid manage', () => {
  contract('identity', (repository) => {
    const flags = ['--model-control-mode=explicit', '--load-model=*'];
    return ServerProcess.start({
      flags: [
        `--model-repository=${repository}`,
        ...flags,
        '--metrics-config=histogram_latencies=true',
      ],
    });
  });

  it('disables and enables models by moving them', async () => {
    const folder = temporaryRepository(files);
    const manage = (command: string) =>
      runNereid(['manage', command, '--model', 'echo'], { cwd: folder.path });
    try {
      expect((await manage('disable-model')).status).toBe(0);
      expect(existsSync(join(folder.path, 'triton-disabled/echo/1/model.py'))).toBe(true);
      expect(existsSync(join(folder.path, 'triton/echo'))).toBe(false);
      expect((await manage('disable-model')).status).toBe(1);
      expect((await manage('enable-model')).status).toBe(0);
      expect(existsSync(join(folder.path, 'triton/echo/1/model.py'))).toBe(true);
      expect((await manage('enable-model')).stderr).toContain('is there already');
    } finally {
      folder.remove();
    }
  });

  it('makes a model of a file, checks it, compares it with what is served', async () => {
    const folder = temporaryRepository({
      'export/net.onnx': identityModel('FLOAT', ['batch', 3]),
    });
    const manage = (...args: string[]) => runNereid(['manage', ...args], { cwd: folder.path });
    const made = await manage('init-model', 'export/net.onnx');
    expect(made.status, made.stderr).toBe(0);
    const server = await ServerProcess.start({
      flags: [`--model-repository=${join(folder.path, 'triton')}`],
    });
    try {
      const same = await manage('diff', '--url', server.url);
      expect(same, same.stderr).toMatchObject({ status: 0, stdout: 'no differences\n' });
      const path = join(folder.path, 'triton/net/config.pbtxt');
      const text = readFileSync(path, 'utf8');
      folder.write(
        'triton/net/config.pbtxt',
        text.replace('max_batch_size: 4', 'max_batch_size: 9'),
      );
      folder.write('triton/other/1/', '');
      expect(await manage('diff', '--url', server.url)).toMatchObject({
        status: 1,
        stdout:
          'net: max_batch_size: 9 on disk, 4 served\nother: model: there on disk, not served\n',
      });
      folder.remove('triton/other');
      expect((await manage('check')).status).toBe(0);
      folder.write('triton/net/config.pbtxt', 'max_batch_sise: 4');
      const wrong = await manage('check', '--no-load');
      expect(wrong.status).toBe(1);
      expect(wrong.stdout).toContain('config.pbtxt:1');
    } finally {
      await server.stop();
      folder.remove();
    }
  });

  it('is called by the script of its users, by uv and by Python, from any folder', async () => {
    const folder = temporaryRepository(files);
    copyFileSync(join(checkout, 'deploy/manage.py'), join(folder.path, 'manage.py'));
    const python = ensurePythonEnv();
    const env = {
      NEREID_COMMAND: `'${process.execPath}' '${nereidScript}'`,
      // Of the script's environment nothing is to be fetched.
      UV_OFFLINE: '1',
      UV_PYTHON: python,
      UV_CACHE_DIR: join(folder.path, 'uv-cache'),
    };
    const uv = (...args: string[]) =>
      runCommand(join(dirname(python), 'uv'), ['run', 'manage.py', ...args], env, folder.path);
    const plain = (...args: string[]) =>
      runCommand(python, [join(folder.path, 'manage.py'), ...args], env, tmpdir());
    try {
      const disabled = await uv('disable-model', '--model', 'echo');
      expect(disabled, disabled.stderr).toMatchObject({
        status: 0,
        stdout: `disabled echo: it lies in ${join(folder.path, 'triton-disabled/echo')}\n`,
      });
      expect(existsSync(join(folder.path, 'triton-disabled/echo'))).toBe(true);
      expect((await plain('enable-model', '--model', 'echo')).status).toBe(0);
      expect((await uv('enable-model', '--model', 'other')).status).toBe(4);
      expect((await uv('copy-config')).stdout).toContain('echo/config.pbtxt');
      expect((await uv('list-models', '--url', '127.0.0.1:1')).status).toBe(3);
      expect((await plain('--help')).stdout).toContain('download-models');
    } finally {
      folder.remove();
    }
  });

  it('completes words in bash', async () => {
    const folder = temporaryRepository(files);
    const script = `source <(nereid completion bash)
      for words in 'manage load-model --model e' 'manage get-m' 'manage copy-config --cp' 'mana' 'serve --model-rep' 'doctor --no'; do
        COMP_WORDS=(nereid $words); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _nereid; echo "\${COMPREPLY[*]}"
      done`;
    const define = `nereid() { '${process.execPath}' '${nereidScript}' "$@"; }\n`;
    try {
      const args = ['-c', define + script];
      const { stdout, stderr } = await runCommand('bash', args, {}, folder.path);
      expect(stdout, stderr).toBe(
        'echo\nget-model-config\n--cpu\nmanage\n--model-repository\n--no-load\n',
      );
    } finally {
      folder.remove();
    }
  });

  it('copies configurations for GPU unless told otherwise', async () => {
    const folder = temporaryRepository(files);
    const copied = () => readFileSync(join(folder.path, 'triton/echo/config.pbtxt'), 'utf8');
    const copy = (...args: string[]) =>
      runNereid(['manage', 'copy-config', ...args], { cwd: folder.path });
    try {
      expect((await copy()).status).toBe(0);
      expect(copied()).toBe(config(8));
      expect((await copy('--cpu')).stderr).toContain('--overwrite');
      expect(copied()).toBe(config(8));
      expect((await copy('--cpu', '--overwrite', '--include', 'echo')).status).toBe(0);
      expect(copied()).toBe(config(4));
      folder.remove('triton-config/echo/cpu.pbtxt');
      expect((await copy('--cpu', '--overwrite')).status).toBe(1);
      expect((await copy('--include', 'eco')).stderr).toContain("did you mean 'echo'?");
    } finally {
      folder.remove();
    }
  });
});

describe.skipIf(!peer.available)('nereid manage, against a real Triton', () => {
  contract('python', (repository) => {
    if (!peer.available) throw new Error(peer.reason);
    return TritonProcess.start(peer, [
      `--model-repository=${repository}`,
      ...['--model-control-mode=explicit', '--load-model=*'],
      ...['--allow-metrics=true', '--metrics-config=summary_latencies=true'],
    ]);
  });
});
