import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpServer } from '../index.ts';

/** A request as a handler saw it, once its body was complete. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Each byte a character. */
  readonly body: string;
}

/** A server that answers every request with 200 and notes it. */
export interface ComparedServer {
  readonly port: number;
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** Node's own, as strict as it is by default, with the same header limit as ours. */
export async function startNodeServer(headerBytesMax: number): Promise<ComparedServer> {
  const requests: SeenRequest[] = [];
  const server: Server = createServer(
    { insecureHTTPParser: false, maxHeaderSize: headerBytesMax },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => {});
      request.on('end', () => {
        const { rawHeaders } = request;
        const headers: [string, string][] = [];
        for (let at = 0; at < rawHeaders.length; at += 2) {
          headers.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
        }
        const body = Buffer.concat(chunks).toString('latin1');
        requests.push({ method: request.method!, target: request.url!, headers, body });
        response.writeHead(200, { 'Content-Length': 0 });
        response.end();
      });
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, requests, close };
}

export async function startOwnServer(headerBytesMax: number): Promise<ComparedServer> {
  const requests: SeenRequest[] = [];
  const server = new HttpServer(
    {
      handle(request, responder) {
        const body = Buffer.from(request.body).toString('latin1');
        const { method, target } = request;
        requests.push({ method, target, headers: [...request.headers()], body });
        responder.send(200, [], null);
      },
    },
    { limits: { headerBytesMax } },
  );
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port, requests, close: () => server.close({ graceMs: 0 }) };
}
