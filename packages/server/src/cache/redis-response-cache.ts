import { type Tensor, TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import { packedBytes, packOutputs, unpackOutputs } from './packed-outputs.ts';
import { RareLog } from './rare-log.ts';
import { type RedisConnection, RedisConnections } from './redis-connections.ts';
import type { RedisSettings } from './redis-settings.ts';

/** Redis takes values up to 512 MB; one that large would keep it busy for everybody. */
const entryBytesMax = 64 * 1024 * 1024;
/** Of all entries on their way to a Redis that is slow: more are not kept. */
const insertionBytesMax = 128 * 1024 * 1024;
/** After a command that was not answered in time, how long Redis is left alone. */
const pauseMs = 1000;

const keyPrefix = 'nereid:';

export interface RedisResponseCacheOptions {
  readonly settings: RedisSettings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Entries in a Redis, where other servers find them. Each is a hash of the fields that Triton's cache
 * has (`0:b` the packed outputs, `0:s` their size, `0:t` and `0:i` where the memory was), so that the
 * same tools read both; keys are ours. When Redis fails, there is nothing in the cache: requests are
 * executed, the log says so now and then, and the connection is made anew.
 */
export class RedisResponseCache implements ResponseCache {
  readonly shared = true;
  readonly #connections: RedisConnections;
  readonly #clock: Clock;
  readonly #log: RareLog;
  readonly #socketTimeoutMs: number;
  #insertionBytes = 0;
  #pausedUntilNs = 0;

  private constructor(connections: RedisConnections, options: RedisResponseCacheOptions) {
    this.#connections = connections;
    this.#clock = options.clock;
    this.#log = new RareLog(options.clock, options.logger);
    this.#socketTimeoutMs = options.settings.socketTimeoutMs;
    connections.onError((error) => {
      this.#log.error(`response cache: ${messageOf(error)}, connecting again`);
    });
  }

  /**
   * Connects and asks for a sign of life: a cache that was never there is a mistake of the operator.
   * @throws TritonError INTERNAL
   */
  static async open(options: RedisResponseCacheOptions): Promise<RedisResponseCache> {
    const { settings } = options;
    try {
      return new RedisResponseCache(await RedisConnections.open(settings), options);
    } catch (error) {
      if (error instanceof TritonError) throw error;
      throw new TritonError(
        'INTERNAL',
        `Failed to initialize RedisCache: ${connectFailure(error, settings)}`,
      );
    }
  }

  lookup(key: string): Promise<readonly Tensor[] | null> | null {
    const connection = this.#usable();
    return connection === null ? null : this.#fetch(connection, key);
  }

  /** Not known without asking, as with Triton's. */
  has(_key: string): boolean {
    return false;
  }

  insert(key: string, outputs: readonly Tensor[]): void {
    const connection = this.#usable();
    if (connection === null) return;
    const bytes = packedBytes(outputs);
    if (bytes > entryBytesMax) {
      this.#log.error(
        `Failed to insert key [${key}] into response cache: ${bytes} bytes are more than the ${entryBytesMax} that an entry may have`,
      );
      return;
    }
    if (this.#insertionBytes + bytes > insertionBytesMax) {
      this.#log.error(
        `Failed to insert key [${key}] into response cache: Redis is too slow, ${this.#insertionBytes} bytes are on their way to it`,
      );
      return;
    }
    void this.#send(connection, key, packOutputs(outputs));
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  #usable(): RedisConnection | null {
    if (this.#pausedUntilNs > 0) {
      if (this.#clock.nowNs() < this.#pausedUntilNs) return null;
      this.#pausedUntilNs = 0;
    }
    return this.#connections.next();
  }

  async #fetch(connection: RedisConnection, key: string): Promise<readonly Tensor[] | null> {
    try {
      const command = connection.hmGet(keyPrefix + key, ['0:b', '0:s']);
      const [packed, size] = (await this.#answerOf(command)) as unknown[];
      if (packed === null || packed === undefined) return null;
      const outputs =
        packed instanceof Buffer && String(size) === String(packed.length)
          ? unpackOutputs(packed)
          : null;
      if (outputs === null) {
        this.#log.error(`response cache: what Redis has for key ${key} is no entry`);
      }
      return outputs;
    } catch (error) {
      this.#log.error(`Failed to retrieve key: ${key}. ${messageOf(error)}`);
      return null;
    }
  }

  async #send(connection: RedisConnection, key: string, packed: Buffer): Promise<void> {
    this.#insertionBytes += packed.length;
    try {
      const fields = { '0:b': packed, '0:s': String(packed.length), '0:t': '0', '0:i': '0' };
      await this.#answerOf(connection.hSet(keyPrefix + key, fields));
    } catch (error) {
      this.#log.error(`Failed to insert key: ${key}. ${messageOf(error)}`);
    } finally {
      this.#insertionBytes -= packed.length;
    }
  }

  /** Rejects when the answer does not come in time; then Redis is left alone for a while. */
  async #answerOf<T>(command: Promise<T>): Promise<T> {
    if (this.#socketTimeoutMs === 0) return command;
    return new Promise<T>((resolve, reject) => {
      const timer = this.#clock.setTimer(this.#socketTimeoutMs, () => {
        this.#pausedUntilNs = this.#clock.nowNs() + pauseMs * 1e6;
        reject(new Error(`Redis did not answer within ${this.#socketTimeoutMs} ms`));
      });
      command.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}

/** What the C library says of errors that Node names by their code. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
};

function connectFailure(error: unknown, { host, port }: RedisSettings): string {
  // The client wraps Node's error and keeps its text, which has the code in it.
  const message = messageOf(error);
  const reason = reasons[/\bE[A-Z_]+\b/u.exec(message)?.[0] ?? ''];
  if (reason === undefined) return message;
  return `Failed to connect to Redis (${host}:${port}): ${reason}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
