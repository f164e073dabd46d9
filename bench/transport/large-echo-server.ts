// Child of grpc-large.ts: echoes messages over gRPC, or bytes over a bare socket.
import { type AddressInfo, createServer } from 'node:net';
import { listenGrpcEcho } from './listen-grpc-echo.ts';

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

const messageBytes = Number(process.argv[3]);
const port = await (process.argv[2] === 'socket' ? listenSocket(messageBytes) : listenGrpcEcho());
process.on('message', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
process.send?.(port);
