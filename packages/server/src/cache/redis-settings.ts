import { readFile } from 'node:fs/promises';
import { TritonError } from '@nereid/protocol';

/** How to reach a Redis, from `--cache-config=redis,…` and the environment. */
export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  /** Null for Redis' own default user. */
  readonly user: string | null;
  readonly password: string | null;
  readonly database: number;
  /** 0 waits for ever. */
  readonly connectTimeoutMs: number;
  /** For the answer to one command; 0 waits for ever. */
  readonly socketTimeoutMs: number;
  /** Connections. */
  readonly poolSize: number;
  /** Null without TLS. */
  readonly tls: RedisTlsFiles | null;
}

/** Who to log in as; null where that is not known. */
export interface RedisCredentials {
  readonly user: string | null;
  readonly password: string | null;
}

/** Paths of PEM files and the name to ask the server for; null where not given. */
export interface RedisTlsFiles {
  readonly cert: string | null;
  readonly key: string | null;
  readonly authority: string | null;
  readonly serverName: string | null;
}

/**
 * Where Triton's default is to wait for ever: a Redis that hangs must not hang the requests. `0` asks
 * for that all the same.
 */
const socketTimeoutMsDefault = 1000;
const connectTimeoutMsDefault = 5000;
const poolSizeMax = 64;

const names: readonly string[] = [
  'host',
  'port',
  'user',
  'password',
  'db',
  'connect_timeout',
  'socket_timeout',
  'pool_size',
  'wait_timeout',
  'tls_enabled',
  'cert',
  'key',
  'cacert',
  'cacert_dir',
  'sni',
];

/**
 * Reads the settings that Triton's Redis cache has. `wait_timeout` has nothing to do here: commands
 * of many requests share a connection, so that none waits for one.
 *
 * @throws TritonError INVALID_ARG, in Triton's words where it has some.
 */
export function redisSettings(
  settings: ReadonlyMap<string, string>,
  environment: RedisCredentials,
): RedisSettings {
  const unknown = [...settings.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw invalid(`unknown setting '${unknown}', the settings are ${names.join(', ')}`);
  }
  const host = settings.get('host');
  const port = settings.get('port');
  if (host === undefined || port === undefined) {
    throw new TritonError(
      'INVALID_ARG',
      "Failed to initialize RedisCache, didn't specify address. Must at a minimum specify 'host' and 'port' in the configuration - e.g. tritonserver --cache-config redis,host=redis --cache-config redis,port=6379 --model-repository=/models ...",
    );
  }
  if (settings.has('cacert_dir')) {
    throw invalid("'cacert_dir' is not supported, give one file as 'cacert'");
  }
  return {
    host,
    port: leadingInteger(port),
    user: settings.get('user') ?? environment.user,
    password: settings.get('password') ?? environment.password,
    database: wholeNumber(settings, 'db', 0, 1_000_000),
    connectTimeoutMs: wholeNumber(settings, 'connect_timeout', connectTimeoutMsDefault),
    socketTimeoutMs: wholeNumber(settings, 'socket_timeout', socketTimeoutMsDefault),
    poolSize: Math.max(1, wholeNumber(settings, 'pool_size', 1, poolSizeMax)),
    tls: settings.get('tls_enabled') === 'true' ? tlsFiles(settings) : null,
  };
}

function tlsFiles(settings: ReadonlyMap<string, string>): RedisTlsFiles {
  return {
    cert: settings.get('cert') ?? null,
    key: settings.get('key') ?? null,
    authority: settings.get('cacert') ?? null,
    serverName: settings.get('sni') ?? null,
  };
}

/** As C's `atoi` reads it, which makes 0 of what is no number: that port then refuses. */
function leadingInteger(text: string): number {
  const value = Number(/^\s*\+?(\d+)/.exec(text)?.[1] ?? 0);
  if (value > 65_535) throw invalid(`'port' must be at most 65535, got '${text}'`);
  return value;
}

function wholeNumber(
  settings: ReadonlyMap<string, string>,
  name: string,
  defaultValue: number,
  max = 2 ** 31 - 1,
): number {
  const text = settings.get(name);
  if (text === undefined) return defaultValue;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) {
    throw invalid(`'${name}' must be a whole number from 0 to ${max}, got '${text}'`);
  }
  return value;
}

/** Contents of the TLS files. @throws TritonError that names the file which cannot be read. */
export async function readTlsFiles(files: RedisTlsFiles): Promise<{
  cert?: Buffer;
  key?: Buffer;
  ca?: Buffer;
  servername?: string;
}> {
  const read = async (name: string, path: string): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (error) {
      throw invalid(`cannot read '${name}': ${(error as Error).message}`);
    }
  };
  return {
    ...(files.cert === null ? {} : { cert: await read('cert', files.cert) }),
    ...(files.key === null ? {} : { key: await read('key', files.key) }),
    ...(files.authority === null ? {} : { ca: await read('cacert', files.authority) }),
    ...(files.serverName === null ? {} : { servername: files.serverName }),
  };
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', `Failed to initialize RedisCache: ${text}`);
}
