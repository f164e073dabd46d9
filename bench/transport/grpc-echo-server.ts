// Child of grpc-unary.ts: answers each unary call with its message and reports the CPU time it used.
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { listenGrpcEcho } from './listen-grpc-echo.ts';

/** What any handler on node:http2 has to do at least for a gRPC call. */
async function listenNode(): Promise<number> {
  const server = createServer();
  server.on('stream', (stream) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    // Clients leave in the middle of their calls when a round is over.
    stream.on('error', () => {});
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const port = await (process.argv[2] === 'node' ? listenNode() : listenGrpcEcho());
process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
  else process.exit(0);
});
process.on('disconnect', () => process.exit(0));
process.send?.(port);
