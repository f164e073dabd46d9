import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpServer } from '../index.ts';
import { exchange } from './wire-client.ts';

/** A request as a handler saw it, once its body was complete. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Each byte a character. */
  readonly body: string;
}

/** What a server did with some bytes. */
export interface ComparisonOutcome {
  readonly statuses: readonly number[];
  readonly closed: boolean;
  readonly requests: readonly SeenRequest[];
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
        const body = Buffer.concat(chunks).latin1Slice();
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
        const body = Buffer.from(request.body).latin1Slice();
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

/** Runs the bytes against a server that nobody else talks to. */
export async function outcomeOf(
  start: () => Promise<ComparedServer>,
  send: string,
  quietMs: number,
): Promise<ComparisonOutcome> {
  const server = await start();
  try {
    const { statuses, closed } = await exchange(server.port, send, quietMs);
    return { statuses, closed, requests: server.requests };
  } finally {
    await server.close();
  }
}
