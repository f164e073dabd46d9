import type { AddressInfo } from 'node:net';
import { TritonError } from '@nereid/protocol';
import type { HttpServer } from '@nereid/transport';

/** What is served on a port, as messages and flags name it. */
export type PortService = 'HTTP' | 'GRPC' | 'metrics';

/** @throws TritonError UNAVAILABLE that says which flag to change when the port is taken. */
export async function listenOn(
  server: HttpServer,
  service: PortService,
  host: string,
  port: number,
  reusePort: boolean,
): Promise<AddressInfo> {
  try {
    return await server.listen({ host, port, reusePort });
  } catch (cause) {
    const flag = `--${service.toLowerCase()}-port`;
    const text =
      (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
        ? `Socket '${host}:${port}' already in use: stop what listens there or choose another ${flag}`
        : `failed to listen on ${host}:${port}: ${(cause as Error).message}`;
    throw new TritonError('UNAVAILABLE', `failed to start ${service} service: ${text}`, { cause });
  }
}
