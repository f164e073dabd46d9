import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addSubModel, runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterEach, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';
import { type Files, identityConfig, temporaryRepository } from './temporary-repository.ts';

const guide = readFileSync(join(checkout, 'docs', 'troubleshooting.md'), 'utf8');

const removals: (() => void)[] = [];
const servers: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const remove of removals.splice(0)) remove();
});

function repositoryFlag(files: Files): string {
  const repository = temporaryRepository(files);
  removals.push(repository.remove);
  return `--model-repository=${repository.path}`;
}

/** What a server says that does not come up. */
async function startUp(files: Files, ...flags: readonly string[]): Promise<string> {
  return (await runServerToEnd({ flags: [repositoryFlag(files), ...flags] })).output;
}

async function serve(files: Files, ...flags: readonly string[]): Promise<ServerProcess> {
  const server = await ServerProcess.start({
    flags: [repositoryFlag(files), ...flags],
    until: 'live',
  });
  servers.push(server);
  return server;
}

/** What a client is told: the status and the body. */
async function ask(server: ServerProcess, path: string, body: unknown = null): Promise<string> {
  const response = await fetch(
    `${server.url}${path}`,
    body === null
      ? {}
      : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) },
  );
  return `${response.status} ${await response.text()}`;
}

function doctor(...argv: readonly string[]): string {
  const bin = join(checkout, 'packages', 'server', 'bin', 'nereid.js');
  return spawnSync(process.execPath, [bin, 'doctor', ...argv], { encoding: 'utf8' }).stdout;
}

const vector = (name: string, type = 'FP32', dims = '4') =>
  `[ { name: "${name}" data_type: TYPE_${type} dims: [ ${dims} ] } ]`;
const tensor = (datatype: string, shape: readonly number[], data: readonly unknown[]) => ({
  inputs: [{ name: 'INPUT0', datatype, shape, data }],
});
const onnxConfig = (more: string) => `backend: "onnxruntime"\n${more}`;
const slow = (more: string) =>
  `${identityConfig('INT32')}parameters { key: "execute_delay_ms" value: { string_value: "5" } }\n${more}`;

/** Sends so many requests at once: they wait for each other, also where this process is slower than the model. */
async function crowd(server: ServerProcess, requests: number): Promise<void> {
  await Promise.all(
    Array.from({ length: requests }, () =>
      ask(server, '/v2/models/m/infer', tensor('INT32', [1], [1])),
    ),
  );
}

/** Each symptom of the guide, brought about. @returns all that somebody who has it gets to see. */
const symptoms: Readonly<Record<string, () => Promise<string>>> = {
  'Could not determine backend': () => startUp({ 'm/model.onnx': 'x', 'm/1/': '' }),
  'Unknown field': () => startUp({ 'm/config.pbtxt': 'max_batchsize: 8\n', 'm/1/': '' }),
  'No version is there': () => startUp({ 'm/config.pbtxt': identityConfig('INT32'), 'm/v1/': '' }),
  'The folder and the name differ': () =>
    startUp({ 'm/config.pbtxt': `name: "other"\n${identityConfig('INT32')}`, 'm/1/': '' }),
  'The configuration does not fit the model': () =>
    startUp({
      'm/config.pbtxt': onnxConfig(
        `input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 3 ] }, { name: "INPUT1" data_type: TYPE_FP32 dims: [ 4 ] } ]\noutput ${vector('OUTPUT0')}\n`,
      ),
      'm/1/model.onnx': addSubModel('FLOAT', [4]),
    }),
  'The model file is broken': () =>
    startUp({ 'm/config.pbtxt': onnxConfig(''), 'm/1/model.onnx': 'half of a download' }),
  'A Python model lacks a package': () =>
    startUp(
      {
        'm/config.pbtxt': `backend: "python"\ninput ${vector('INPUT0')}\noutput ${vector('OUTPUT0')}\n`,
        'm/1/model.py': 'import torchvision\n',
      },
      `--backend-config=python,python-runtime=${ensurePythonEnv()}`,
    ),
  'There is no GPU': () =>
    startUp({
      'm/config.pbtxt': `${identityConfig('INT32')}instance_group [ { kind: KIND_GPU } ]\n`,
      'm/1/': '',
    }),
  'Unexpected shape': async () => {
    const files = {
      'm/config.pbtxt': `backend: "identity"\ninput ${vector('INPUT0')}\noutput ${vector('OUTPUT0')}\n`,
      'm/1/': '',
    };
    return ask(await serve(files), '/v2/models/m/infer', tensor('FP32', [1, 3], [1, 2, 3]));
  },
  'The batch is too large': async () => {
    const config = `backend: "identity"\nmax_batch_size: 2\ninput ${vector('INPUT0', 'FP32', '1')}\noutput ${vector('OUTPUT0', 'FP32', '1')}\n`;
    const server = await serve({ 'm/config.pbtxt': config, 'm/1/': '' });
    return ask(server, '/v2/models/m/infer', tensor('FP32', [3, 1], [1, 2, 3]));
  },
  'The data type is another': async () => {
    const server = await serve({ 'm/config.pbtxt': identityConfig('FP32'), 'm/1/': '' });
    return ask(server, '/v2/models/m/infer', tensor('INT64', [1], [1]));
  },
  'The number of elements is wrong': async () => {
    const server = await serve({ 'm/config.pbtxt': identityConfig('FP32'), 'm/1/': '' });
    return ask(server, '/v2/models/m/infer', tensor('FP32', [4], [1, 2]));
  },
  'Requests wait': async () => {
    const server = await serve({ 'm/config.pbtxt': slow(''), 'm/1/': '' });
    await crowd(server, 120);
    return doctor(`--url=${server.url}`);
  },
  'Dynamic batching never batches': async () => {
    const config = `backend: "onnxruntime"\nmax_batch_size: 8\ndynamic_batching { }\n`;
    const files = { 'm/config.pbtxt': config, 'm/1/model.onnx': addSubModel('INT32', ['n', 1]) };
    const server = await serve(files);
    for (let request = 0; request < 110; request++) {
      await ask(server, '/v2/models/m/infer', {
        inputs: ['INPUT0', 'INPUT1'].map((name) => ({
          ...tensor('INT32', [1, 1], [1]).inputs[0],
          name,
        })),
      });
    }
    return doctor(`--url=${server.url}`);
  },
  'More threads than processors': async () =>
    doctor(
      '--no-load',
      repositoryFlag({
        'm/config.pbtxt': onnxConfig(
          'instance_group [ { count: 64 kind: KIND_CPU } ]\nparameters { key: "intra_op_thread_count" value: { string_value: "64" } }\n',
        ),
        'm/1/model.onnx': addSubModel('FLOAT', [4]),
      }),
    ),
  'The request body is too large': async () => {
    const files = { 'm/config.pbtxt': identityConfig('FP32'), 'm/1/': '' };
    const server = await serve(files, '--http-max-input-size=1024');
    return ask(server, '/v2/models/m/infer', ' '.repeat(2000));
  },
  'The port is in use': async () => {
    const files = { 'm/config.pbtxt': identityConfig('FP32'), 'm/1/': '' };
    const { port } = await serve(files);
    return startUp(files, `--http-port=${port}`);
  },
  'Request for unknown model': async () => {
    const server = await serve({ 'm/config.pbtxt': identityConfig('FP32'), 'm/1/': '' });
    return ask(server, '/v2/models/M/infer', tensor('FP32', [1], [1]));
  },
  'The server never gets ready': async () => {
    const files = { 'm/config.pbtxt': onnxConfig(''), 'm/1/model.onnx': 'half of a download' };
    const server = await serve(files, '--exit-on-error=false');
    return `${await ask(server, '/v2/health/ready')}\n${doctor(`--url=${server.url}`)}`;
  },
  'No server answers': async () => {
    const server = await serve({ 'm/config.pbtxt': identityConfig('FP32'), 'm/1/': '' });
    await server.stop();
    return doctor(`--url=${server.url}`);
  },
};

/** Titles of the guide's entries, and the lines that each shows first. */
function entries(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const part of guide.split(/^### /mu).slice(1)) {
    const title = part.slice(0, part.indexOf('\n')).trim();
    const shown = /^```text\n(.*?)\n```$/msu.exec(part)?.[1] ?? '';
    found.set(
      title,
      shown.split('\n').filter((line) => line.trim() !== ''),
    );
  }
  return found;
}

/** `…` stands for anything within a line. */
function patternOf(line: string): RegExp {
  const parts = line.trim().split('…');
  return new RegExp(
    parts.map((part) => part.replace(/[$()*+.?[\\\]^{|}]/gu, '\\$&')).join('.*'),
    'u',
  );
}

describe('the troubleshooting guide', () => {
  const shown = entries();

  it('has an entry for each symptom that is tested, and no other', () => {
    expect([...shown.keys()].sort()).toEqual(Object.keys(symptoms).sort());
  });

  it.each(Object.keys(symptoms))('shows what one gets to see: %s', async (title) => {
    const seen = await symptoms[title]!();
    const lines = shown.get(title) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(seen).toMatch(patternOf(line));
  });
});
