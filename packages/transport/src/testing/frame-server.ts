import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { FrameClient, settings } from './frame-client.ts';

/** An HTTP/2 server that does by itself nothing but greet; tests send what they like. */
export class FrameServer {
  readonly connections: FrameClient[] = [];
  port = 0;
  readonly #server: Server;
  #wake: (() => void) | null = null;

  private constructor(first: Uint8Array | null, tls: TlsOptions | null) {
    const accept = (socket: Socket): void => {
      const connection = FrameClient.accept(socket);
      if (first !== null) connection.send(first);
      this.connections.push(connection);
      this.#wake?.();
    };
    this.#server =
      tls === null ? createServer({ noDelay: true }, accept) : createTlsServer(tls, accept);
    this.#server.on('tlsClientError', () => {});
  }

  /** @param first What each connection is greeted with; null for nothing. */
  static async start(
    first: Uint8Array | null = settings(),
    tls: TlsOptions | null = null,
  ): Promise<FrameServer> {
    const server = new FrameServer(first, tls);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    server.port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  /** The connection of this number, from 0, when it is there. */
  async connection(index: number = 0): Promise<FrameClient> {
    for (;;) {
      const found = this.connections[index];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    for (const connection of this.connections) connection.destroy();
    this.#server.close();
  }
}
