// Child of grpc-large.ts: echoes messages over gRPC, or bytes over a bare socket.
import { type AddressInfo, createServer } from 'node:net';
import { type GrpcMethod, HttpServer } from '@nereid/transport';

/** The least that copying a message in and out can cost: into one allocation, and back from there. */
async function listenSocket(messageBytes: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    let message = Buffer.allocUnsafeSlow(messageBytes);
    let filled = 0;
    socket.on('data', (chunk) => {
      filled += chunk.copy(message, filled);
      if (filled < messageBytes) return;
      socket.write(message);
      message = Buffer.allocUnsafeSlow(messageBytes);
      filled = 0;
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const echo: GrpcMethod = {
  kind: 'unary',
  handle: (_call, message, responder) => responder.send([message]),
};

async function listenGrpc(): Promise<number> {
  const server = new HttpServer(
    { handle: (_request, responder) => responder.send(404, [], null) },
    { grpc: { handler: { find: () => echo } } },
  );
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}

const messageBytes = Number(process.argv[3]);
const port = await (process.argv[2] === 'socket' ? listenSocket(messageBytes) : listenGrpc());
process.on('message', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
process.send?.(port);
