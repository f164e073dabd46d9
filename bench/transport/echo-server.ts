// Child of http-echo.ts: answers each POST with its body and reports the CPU time it used.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpServer } from '@nereid/transport';

const headers = [['Content-Type', 'application/octet-stream']] as const;

async function listenNode(): Promise<number> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      response.writeHead(200, {
        'Content-Type': 'application/octet-stream',
        'Content-Length': body.length,
      });
      response.end(body);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function listenOurs(): Promise<number> {
  const server = new HttpServer({
    handle(request, responder) {
      responder.send(200, headers, request.body);
    },
  });
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

const port = await (process.argv[2] === 'node' ? listenNode() : listenOurs());
process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
  else process.exit(0);
});
process.on('disconnect', () => process.exit(0));
process.send?.(port);
