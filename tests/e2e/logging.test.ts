import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

let repository: TemporaryRepository;
let folder: string;
let server: ServerProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-log-'));
  repository = temporaryRepository({
    'same/config.pbtxt': identityConfig('INT32'),
    'same/1/': '',
  });
});

afterEach(async () => {
  await server?.stop();
  server = null;
  repository.remove();
  rmSync(folder, { recursive: true });
});

async function start(...flags: string[]): Promise<ServerProcess> {
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, ...flags],
  });
  return server;
}

async function infer(url: string, model: string, request: object, headers = {}): Promise<number> {
  const answer = await fetch(`${url}/v2/models/${encodeURIComponent(model)}/infer`, {
    method: 'POST',
    headers,
    body: JSON.stringify(request),
  });
  await answer.arrayBuffer();
  return answer.status;
}

const good = { inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }] };

it.each(['SIGHUP', 'SIGUSR1'] as const)('goes on with a new log file on %s', async (signal) => {
  const file = join(folder, 'server.log');
  const flags = [`--model-repository=${repository.path}`, `--log-file=${file}`];
  const ended = runServerToEnd({ flags });
  const written = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await eventually(() => written().includes('Started Metrics Service'));
  const pid = Number(/ (\d+) server-ports\.\w+:/.exec(written())?.[1]);
  renameSync(file, `${file}.1`);
  process.kill(pid, signal);
  await eventually(() => existsSync(file));
  process.kill(pid, 'SIGTERM');
  expect((await ended).status).toBe(0);
  expect(readFileSync(`${file}.1`, 'utf8')).toContain('Started HTTPService');
  expect(readFileSync(file, 'utf8')).toContain('All models are stopped');
});

it('tells the file and the line of the sources, which run as a bundle', async () => {
  await (await start()).logged(/Started HTTPService/u);
  const [, file, line] = / (\S+):(\d+)\] "Started HTTPService/u.exec(server?.log ?? '') ?? [];
  expect(file).toBe('server-ports.ts');
  const source = new URL(`../../packages/server/src/${file}`, import.meta.url);
  const text = readFileSync(source, 'utf8').split('\n')[Number(line) - 1];
  expect(text).toContain('Started HTTPService');
});

describe('the access log', () => {
  it('tells of failed, refused and slow requests, each in a line of JSON', async () => {
    const { url } = await start('--access-log=true', '--access-log-slow-ms=0', '--log-format=json');
    expect(await infer(url, 'same', { ...good, id: 'quick' })).toBe(200);
    expect(await infer(url, 'same', { inputs: [], id: 'a\nb\u001b[31m' })).toBe(400);
    expect(await infer(url, 'none\u009b', good)).toBe(404);
    await server?.logged(/NOT_FOUND/u);
    const lines = (server?.log ?? '').split('\n').filter((line) => line !== '');
    const requests = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ source }) => String(source).startsWith('access-log'));
    expect(requests).toEqual([
      expect.objectContaining({
        message: 'slow request',
        model: 'same',
        version: 1,
        id: 'quick',
        total_ms: expect.any(Number),
        queue_ms: expect.any(Number),
        compute_ms: expect.any(Number),
        responses: 1,
      }),
      expect.objectContaining({
        message: 'refused request',
        id: 'a\nb\u001b[31m',
        code: 'INVALID_ARG',
      }),
      expect.objectContaining({ message: 'refused request', code: 'NOT_FOUND' }),
    ]);
    expect(server?.log.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  });

  it('says nothing unless it is asked for', async () => {
    const { url } = await start();
    expect(await infer(url, 'none', good)).toBe(404);
    expect(await infer(url, 'same', good)).toBe(200);
    expect((await server?.stop())?.output).not.toMatch(/(slow|failed|refused) request/);
    server = null;
  });
});

it('never shows a secret', async () => {
  const { url } = await start(
    '--log-verbose=9',
    '--access-log=true',
    '--access-log-slow-ms=0',
    '--http-restricted-api=model-config:admin=hunter2a',
    '--grpc-restricted-protocol=health:admin=hunter2b',
    '--backend-config=python,token=hunter2d',
  );
  const headers = { authorization: 'Bearer hunter2e', admin: 'hunter2f', cookie: 'hunter2g' };
  expect(await infer(url, 'same', good, headers)).toBe(200);
  expect(await infer(url, 'same', { inputs: [] }, headers)).toBe(400);
  await (await fetch(`${url}/v2/models/same/config`, { headers })).arrayBuffer();
  const end = await server?.stop();
  server = null;
  expect(end?.output).toContain('slow request');
  expect(end?.output).not.toContain('hunter2');
});

it.each([
  ['--http-restricted-api=health=hunter2'],
  ['--cache-config=password=hunter2'],
  [
    '--cache-config=redis,host=127.0.0.1 --cache-config=redis,port=1 --cache-config=redis,password=hunter2',
  ],
])('shows no secret in what is wrong with %s', async (flags) => {
  const end = await runServerToEnd({
    flags: [`--model-repository=${repository.path}`, '--log-verbose=9', ...flags.split(' ')],
  });
  expect(end.status).toBe(1);
  expect(end.output).not.toContain('hunter2');
});
