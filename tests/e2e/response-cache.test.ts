import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ModelStatisticsSnapshot } from '../../packages/server/src/observability/model-statistics.ts';
import {
  authorityCert,
  serverCert,
  serverKey,
} from '../../packages/transport/src/testing/certificates.ts';
import { ensureRedisServer } from '../../tools/redis-server.mjs';
import { RedisProcess } from './redis-process.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const redisProgram = ensureRedisServer();
const reason = redisProgram.available ? '' : ` (skipped: ${redisProgram.reason})`;
const noTls = redisProgram.available && redisProgram.tls ? '' : ' (skipped: no Redis with TLS)';

let repository: TemporaryRepository;
let folder: string;
let server: ServerProcess | null = null;
let redis: RedisProcess | null = null;

beforeAll(() => {
  const cached = 'response_cache { enable: true }';
  repository = temporaryRepository({
    'cached/config.pbtxt': identityConfig('INT32', cached),
    'cached/1/': '',
    'plain/config.pbtxt': identityConfig('INT32'),
    'plain/1/': '',
  });
  folder = mkdtempSync(join(tmpdir(), 'nereid-cache-'));
});
afterEach(async () => {
  await server?.stop();
  server = null;
  await redis?.remove();
  redis = null;
});
afterAll(() => {
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function start(...flags: string[]): Promise<ServerProcess> {
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, ...flags],
  });
  return server;
}

const redisFlags = (port: number, ...more: string[]): string[] =>
  [`host=127.0.0.1`, `port=${port}`, ...more].map((setting) => `--cache-config=redis,${setting}`);

async function infer(data: readonly number[], model = 'cached'): Promise<readonly number[]> {
  const body = {
    id: String(Math.random()),
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [data.length], data }],
  };
  const reply = await fetch(`${server?.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const answer = (await reply.json()) as { id: string; outputs: { data: number[] }[] };
  expect([reply.status, answer.id]).toEqual([200, body.id]);
  return answer.outputs[0]?.data ?? [];
}

/** Hits, misses, successes and executions of a model. */
async function counts(model = 'cached'): Promise<readonly number[]> {
  const reply = await fetch(`${server?.url}/v2/models/${model}/stats`);
  const { model_stats } = (await reply.json()) as { model_stats: [ModelStatisticsSnapshot] };
  const { inference_stats: stats, execution_count } = model_stats[0];
  return [stats.cache_hit.count, stats.cache_miss.count, stats.success.count, execution_count];
}

async function metric(name: string): Promise<number | null> {
  const page = await (await fetch(server?.metricsUrl ?? '')).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*model="cached"[^}]*\\})? (.+)$`, 'mu').exec(
    page,
  )?.[1];
  return value === undefined ? null : Number(value);
}

describe('a local cache', () => {
  it('answers what came before, and only models that ask for it', async () => {
    await start('--cache-config=local,size=1048576');
    for (const value of [1, 1, 2, 1]) {
      expect(await infer([value])).toEqual([value]);
      expect(await infer([value], 'plain')).toEqual([value]);
    }
    expect(await counts()).toEqual([2, 2, 4, 2]);
    expect(await counts('plain')).toEqual([0, 0, 4, 4]);
    expect(await metric('nv_cache_num_hits_per_model')).toBe(2);
    expect(await metric('nv_cache_num_entries')).toBe(2);
    expect(await metric('nv_cache_util')).toBeGreaterThan(0);
  });

  it('stays within its size under a flood of requests that differ', async () => {
    await start('--response-cache-byte-size=65536');
    const large = Array.from({ length: 20_000 }, (_, i) => i);
    expect(await infer(large)).toEqual(large);
    for (let i = 0; i < 200; i++) expect(await infer([i])).toEqual([i]);
    expect(await metric('nv_cache_util')).toBeLessThanOrEqual(1);
    expect(await metric('nv_cache_num_entries')).toBeLessThan(65);
    expect(await metric('nv_cache_num_evictions')).toBeGreaterThan(100);
    expect(server?.log).toMatch(
      /Requested byte_size: \d+ is greater than total cache size: 65536/u,
    );
  });

  it('forgets what a model answered whose files are others now', async () => {
    await start(
      '--cache-config=local,size=1048576',
      '--model-control-mode=explicit',
      '--load-model=*',
    );
    const load = async (): Promise<void> => {
      const reply = await fetch(`${server?.url}/v2/repository/models/cached/load`, {
        method: 'POST',
      });
      expect(reply.status).toBe(200);
    };
    await infer([7]);
    repository.write('cached/1/weights', 'new');
    await load();
    await infer([7]);
    await infer([7]);
    expect(await counts()).toEqual([1, 1, 2, 1]);
  });

  it.each([
    ['--cache-config=local,size=none', 'Internal - Failed to initialize LocalCache: stoull'],
    ['--cache-config=local,size=0', 'Internal - Failed to initialize LocalCache: the size must be'],
    ['--cache-config=local,width=1', "config didn't contain a valid 'size' field."],
    [
      '--cache-config=disk,a=b',
      "unable to find 'libtritoncache_disk.so' for cache. Searched: /opt/tritonserver/caches",
    ],
    ['--cache-config=redis,host=x', "Must at a minimum specify 'host' and 'port'"],
    ['--cache-config=redis,hots=x', "unknown setting 'hots'"],
  ])('does not start with %s', async (flag, text) => {
    const end = await runServerToEnd({ flags: [`--model-repository=${repository.path}`, flag] });
    expect([end.status, end.output]).toEqual([1, expect.stringContaining(text)]);
  });

  it('is one: two kinds are refused', async () => {
    const end = await runServerToEnd({
      flags: [
        `--model-repository=${repository.path}`,
        '--cache-config=local,size=1',
        '--cache-config=redis,host=x',
      ],
    });
    expect(end.output).toContain('found multiple cache configurations, but only a single cache');
  });
});

/** Speaks Redis' protocol: sends a command and gives the raw answer. */
async function command(port: number, ...words: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const text = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
  socket.write(`*${words.length}\r\n${text}`);
  const answer = await new Promise<string>((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', reject);
  });
  socket.destroy();
  return answer;
}

describe.skipIf(!redisProgram.available)(`a Redis${reason}`, () => {
  const program = redisProgram.available ? redisProgram.path : '';

  it('keeps answers for the servers that share it', async () => {
    redis = await RedisProcess.start(program);
    const first = await start(...redisFlags(redis.port, 'pool_size=3', 'db=2'));
    expect(await infer([1])).toEqual([1]);
    expect(await counts()).toEqual([0, 1, 1, 1]);
    await hitsAgain();
    await first.stop();
    await start(...redisFlags(redis.port, 'db=2'));
    expect(await infer([1])).toEqual([1]);
    expect(await counts()).toEqual([1, 0, 1, 0]);
  });

  it('may die, hang and come back: requests are answered, the log says so now and then', async () => {
    redis = await RedisProcess.start(program);
    const { port } = redis;
    const running = await start(...redisFlags(port, 'socket_timeout=200'));
    await infer([1]);
    redis.signal('SIGSTOP');
    expect(await infer([1])).toEqual([1]);
    await running.logged(/Redis did not answer within 200 ms/u);
    redis.signal('SIGCONT');
    await redis.kill();
    for (let i = 0; i < 30; i++) expect(await infer([i])).toEqual([i]);
    const errors = running.log.match(/Failed to (retrieve|insert) key|connecting again/gu) ?? [];
    expect(errors.length).toBeLessThan(4);
    await redis.restart();
    await hitsAgain();
  });

  it('may hold garbage under any key', async () => {
    redis = await RedisProcess.start(program);
    await start(...redisFlags(redis.port));
    await infer([1]);
    const [key = ''] = /nereid:\S+/u.exec(await keysOf(redis.port)) ?? [];
    const spoil = [
      ['HSET', key, '0:b', 'garbage', '0:s', '7'],
      ['HSET', key, '0:s', '3'],
      ['DEL', key],
      ['SET', key, 'a text'],
    ];
    for (const words of spoil) {
      await command(redis.port, ...words);
      expect(await infer([1])).toEqual([1]);
    }
  });

  it.each([
    [
      'is not there',
      ['host=127.0.0.1', 'port=nonexistent'],
      'Failed to connect to Redis (127.0.0.1:0): Connection refused',
    ],
    [
      'has no address',
      ['host=nowhere.invalid', 'port=1'],
      'Failed to connect to Redis (nowhere.invalid:1)',
    ],
  ])('that %s keeps the server from starting', async (_what, settings, text) => {
    const end = await runServerToEnd({
      flags: [
        `--model-repository=${repository.path}`,
        ...settings.map((setting) => `--cache-config=redis,${setting}`),
      ],
    });
    expect(end.output).toContain(`Internal - Failed to initialize RedisCache: ${text}`);
  });

  it('asks for a password, from the settings or from the environment', async () => {
    redis = await RedisProcess.start(program, ['--requirepass', 'redis123!']);
    const flags = [`--model-repository=${repository.path}`, ...redisFlags(redis.port)];
    const wrong = '--cache-config=redis,password=wrong';
    expect((await runServerToEnd({ flags: [...flags, wrong] })).output).toContain('WRONGPASS');
    const missing = (await runServerToEnd({ flags })).output;
    expect(missing).toContain('NOAUTH Authentication required');
    const env = {
      TRITONCACHE_REDIS_USERNAME: 'default',
      TRITONCACHE_REDIS_PASSWORD: 'redis123!',
    };
    server = await ServerProcess.start({ flags, env });
    await hitsAgain();
    expect(server.log).not.toContain('redis123!');
    await server.stop();
    await start(...redisFlags(redis.port, 'password=redis123!'));
    await infer([1]);
    expect((await counts())[0]).toBe(1);
  });

  it.skipIf(noTls !== '')(`may speak TLS and ask for a certificate${noTls}`, async () => {
    const files = { cert: serverCert, key: serverKey, cacert: authorityCert };
    for (const [name, pem] of Object.entries(files)) writeFileSync(join(folder, name), pem);
    const path = (name: string): string => join(folder, name);
    const tls = ['--tls-cert-file', path('cert'), '--tls-key-file', path('key')];
    redis = await RedisProcess.start(program, [
      ...['--port', '0', '--tls-port', '%p', '--tls-ca-cert-file', path('cacert'), ...tls],
    ]);
    const trusted = ['tls_enabled=true', `cacert=${path('cacert')}`, 'sni=localhost'];
    const own = [`cert=${path('cert')}`, `key=${path('key')}`];
    await start(...redisFlags(redis.port, ...trusted, ...own));
    await hitsAgain();
    const flags = [
      `--model-repository=${repository.path}`,
      ...redisFlags(redis.port, 'tls_enabled=true', ...own),
    ];
    expect((await runServerToEnd({ flags })).output).toContain('Failed to initialize RedisCache');
  });
});

async function keysOf(port: number): Promise<string> {
  let keys = '';
  await eventually(async () => {
    keys = await command(port, 'KEYS', '*');
    return keys.includes('nereid:');
  });
  return keys;
}

/** Waits until answers come from the cache once more: what was executed is on its way there for a moment. */
async function hitsAgain(): Promise<void> {
  const before = (await counts())[0] ?? 0;
  await eventually(async () => {
    await infer([1]);
    return ((await counts())[0] ?? 0) > before;
  });
}
