import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of one test, and what was asked of it. */
export interface LocalServer {
  readonly url: string;
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

export async function localServer(
  answer: (request: IncomingMessage, response: ServerResponse, index: number) => void,
): Promise<LocalServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length - 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers as a good server does: parts where they are asked for. */
export function serveContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const [, from] = /^bytes=(\d+)-$/u.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  if (from === undefined) {
    response.writeHead(200, { 'content-length': content.length, ...headers }).end(content);
  } else if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}`, ...headers }).end();
  } else {
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    response
      .writeHead(206, {
        'content-range': range,
        'content-length': content.length - start,
        ...headers,
      })
      .end(content.subarray(start));
  }
}
