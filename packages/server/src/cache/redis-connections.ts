import { type RedisSettings, readTlsFiles } from './redis-settings.ts';

/** Commands that wait on one connection; more fail, which is a miss. */
const commandsMax = 10_000;
const reconnectMsMax = 2000;

/** What is used of a client of Redis. */
export interface RedisConnection {
  readonly isReady: boolean;
  hmGet(key: string, fields: string[]): Promise<unknown>;
  hSet(key: string, fields: Record<string, string | Buffer>): Promise<unknown>;
}

interface Client extends RedisConnection {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  ping(): Promise<unknown>;
  destroy(): void;
}

/**
 * Some connections to one Redis, used in turn. Each is made anew by itself when it breaks; until then
 * it is passed over.
 */
export class RedisConnections {
  readonly #clients: readonly Client[];
  #next = 0;

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
  }

  /** @throws whatever the first connection that fails fails with. None stays open then. */
  static async open(settings: RedisSettings): Promise<RedisConnections> {
    const clients: Client[] = [];
    try {
      for (let i = 0; i < settings.poolSize; i++) clients.push(await connect(settings));
    } catch (error) {
      for (const client of clients) client.destroy();
      throw error;
    }
    return new RedisConnections(clients);
  }

  onError(listener: (error: unknown) => void): void {
    for (const client of this.#clients) client.on('error', listener);
  }

  /** Null when no connection is up. */
  next(): RedisConnection | null {
    for (let i = 0; i < this.#clients.length; i++) {
      this.#next = (this.#next + 1) % this.#clients.length;
      const client = this.#clients[this.#next] as Client;
      if (client.isReady) return client;
    }
    return null;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
  }
}

async function connect(settings: RedisSettings): Promise<Client> {
  // Loaded here, so that servers without this cache do not pay for it.
  const { createClient, RESP_TYPES } = await import('@redis/client');
  const { host, port, user, password, database, connectTimeoutMs, tls } = settings;
  let connected = false;
  const client = createClient({
    // The old protocol has no greeting of its own that would hide what is wrong with the password.
    RESP: 2,
    ...(password === null ? {} : { password, ...(user === null ? {} : { username: user }) }),
    database,
    disableOfflineQueue: true,
    commandsQueueMaxLength: commandsMax,
    socket: {
      host,
      port,
      connectTimeout: connectTimeoutMs,
      reconnectStrategy: (retries: number, cause: Error) =>
        connected ? Math.min(reconnectMsMax, 50 * 2 ** Math.min(retries, 10)) : cause,
      ...(tls === null ? {} : { tls: true as const, ...(await readTlsFiles(tls)) }),
    },
  }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  // An error that nobody listens for would be thrown; this one also rejects `connect`.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw error;
  }
  connected = true;
  return client as unknown as Client;
}
