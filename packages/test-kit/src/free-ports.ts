import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Systems give clients ports from 32768 or 49152 on: one of those may be a client's before it is used, and then is
 * taken for a minute.
 */
const portMin = 10_000;
const portMax = 32_767;

/** Ports in a row that nothing listens on, for programs that cannot choose one themselves. */
export async function freePorts(count: number): Promise<readonly number[]> {
  for (;;) {
    const first = randomInt(portMin, portMax - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const servers = await Promise.all(ports.map(listening));
    await Promise.all(servers.map(closed));
    if (!servers.includes(null)) return ports;
  }
}

/** Null where the port is taken. */
async function listening(port: number): Promise<Server | null> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return null;
  }
}

async function closed(server: Server | null): Promise<void> {
  if (server === null) return;
  server.close();
  await once(server, 'close');
}
