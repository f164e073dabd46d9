import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runNereid } from './nereid-command.ts';
import type { CommandEnd } from './run-command.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';
import { makeCertificates, opensslProblem } from './tls-certificates.ts';

const opensslReason = opensslProblem === null ? '' : ` (skipped: ${opensslProblem})`;

let repository: TemporaryRepository;
let server: ServerProcess;

const nereid = (...args: string[]): Promise<CommandEnd> =>
  runNereid(args, { cwd: repository.path, env: { NEREID_URL: server.url } });

describe('nereid infer, models and stats', () => {
  beforeAll(async () => {
    repository = temporaryRepository({
      'numbers/config.pbtxt': identityConfig('FP32'),
      'numbers/1/': '',
      'text/config.pbtxt': identityConfig('STRING'),
      'text/1/': '',
      'count/config.pbtxt': `backend: "square"
input [ { name: "IN" data_type: TYPE_INT32 dims: [ 1 ] } ]
output [ { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] } ]
model_transaction_policy { decoupled: true }
`,
      'count/1/': '',
    });
    server = await ServerProcess.start({
      flags: [`--model-repository=${repository.path}`, '--metrics-config=histogram_latencies=true'],
    });
  });
  afterAll(async () => {
    await server?.stop();
    repository?.remove();
  });

  it('runs a model and prints its answer', async () => {
    const text = await nereid('infer', 'numbers', '--input', 'INPUT0=1.5,2');
    expect(text, text.stderr).toMatchObject({ status: 0, stdout: 'OUTPUT0  FP32 [2]\n[1.5, 2]\n' });
    const written = await nereid(
      'infer',
      'numbers',
      '--input',
      'INPUT0=[0.1]',
      '-o',
      'OUTPUT0=out.npy',
    );
    expect(written.status, written.stderr).toBe(0);
    expect(readFileSync(join(repository.path, 'out.npy')).subarray(1, 6).toString()).toBe('NUMPY');
    const again = await nereid(
      'infer',
      'numbers',
      '--input',
      'INPUT0=out.npy',
      '--json',
      '-i',
      'grpc',
      '-u',
      `127.0.0.1:${server.grpcPort}`,
    );
    expect(JSON.parse(again.stdout).outputs).toEqual([
      { name: 'OUTPUT0', datatype: 'FP32', shape: [1], data: [0.1] },
    ]);
    const best = await nereid('infer', 'numbers', '--input', 'INPUT0=1,9,5', '--classes', '2');
    expect(best.stdout, best.stderr).toBe('OUTPUT0  BYTES [2]\n["9.000000:1", "5.000000:2"]\n');
    const said = await nereid('infer', 'text', '--input', 'INPUT0=What is this?');
    expect(said.stdout).toBe('OUTPUT0  BYTES [1]\nWhat is this?\n');
  });

  it('streams the answers of a decoupled model, whatever port it is asked at', async () => {
    const answers = await nereid('infer', 'count', '--input', 'IN=3', '--json');
    const lines = answers.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).outputs[0].data);
    expect(lines, answers.stderr).toEqual([[3], [3], [3]]);
  });

  it('says what is wrong', async () => {
    expect(await nereid('infer', 'numbers', '--input', 'INPUT=1')).toMatchObject({
      status: 4,
      stderr: "nereid infer: model 'numbers' has no input 'INPUT': did you mean 'INPUT0'?\n",
    });
    expect((await nereid('infer', 'absent')).status).toBe(4);
    expect((await nereid('infer', 'numbers')).stderr).toContain(
      "expected 1 inputs but got 0 inputs for model 'numbers'",
    );
    expect((await nereid('infer')).status).toBe(2);
  });

  it('tells what models take and how they fare', async () => {
    expect((await nereid('models')).stdout).toMatch(/^numbers +1 +READY/mu);
    const { stdout } = await nereid('models', 'numbers');
    expect(stdout).toContain('inputs\n  INPUT0  FP32 [any]\n');
    expect(stdout).toContain('nereid infer numbers --input INPUT0=…\n');
    expect((await nereid('stats', 'numbers')).stdout).toMatch(
      /^numbers +1 +4 +\d+ +[\d.]+ [mµ]s/mu,
    );
    for (const url of [server.url, `grpc://127.0.0.1:${server.grpcPort}`]) {
      const { stdout: table } = await nereid('stats', 'numbers', '--url', url);
      expect(table).toMatch(/LATENCY +P50 +P99 +QUEUE/u);
      expect(table).toMatch(/^numbers +1 +4 +\d+( +[\d.]+ [nmµ]?s){3}/mu);
    }
    const watched = await nereid(
      'stats',
      '--watch',
      '--idle',
      '--count',
      '1',
      '-n',
      '0.1',
      '--json',
    );
    const look = JSON.parse(watched.stdout);
    expect(look.models.map(({ name }: { name: string }) => name)).toEqual([
      'count',
      'numbers',
      'text',
    ]);
    expect(look.models[1].requestsPerSecond).toBe(0);
  });
});

describe.skipIf(opensslProblem !== null)(`over mutual TLS${opensslReason}`, () => {
  it('runs models, lists them and tells percentiles, with the same options', async () => {
    const folder = temporaryRepository({ 'models/numbers/config.pbtxt': identityConfig('FP32') });
    folder.write('models/numbers/1/', '');
    makeCertificates(join(folder.path, 'tls'), 'people');
    const tls = await ServerProcess.start({
      flags: [
        `--model-repository=${join(folder.path, 'models')}`,
        '--metrics-config=histogram_latencies=true',
        '--grpc-use-ssl-mutual=true',
        `--grpc-server-cert=${join(folder.path, 'tls/server.pem')}`,
        `--grpc-server-key=${join(folder.path, 'tls/server.key')}`,
        `--grpc-root-cert=${join(folder.path, 'tls/ca.pem')}`,
      ],
    });
    const own = ['--ca', 'tls/ca.pem', '--cert', 'tls/client.pem', '--key', 'tls/client.key'];
    const run = (...args: string[]) => runNereid(args, { cwd: folder.path });
    try {
      for (const scheme of ['grpcs', 'https']) {
        const where = ['--url', `${scheme}://localhost:${tls.grpcPort}`, ...own];
        const ran = await run('infer', 'numbers', '--input', 'INPUT0=1', ...where);
        expect(ran.status, ran.stderr).toBe(0);
        const { stdout, stderr } = await run('stats', '--json', ...where);
        const [one] = JSON.parse(stdout).models;
        expect(one.latencyP99Ns, stderr).toBeGreaterThan(0);
      }
      const listed = await run('models', '--url', `grpcs://localhost:${tls.grpcPort}`, ...own);
      expect(listed.stdout, listed.stderr).toContain('numbers');
    } finally {
      await tls.stop();
      folder.remove();
    }
  });
});
