import { type GrpcMethod, HttpServer } from '@nereid/transport';

const echo: GrpcMethod = {
  kind: 'unary',
  handle: (_call, message, responder) => responder.send([message]),
};

/** Our transport with a handler that answers each unary call with its message. @returns the port */
export async function listenGrpcEcho(): Promise<number> {
  const server = new HttpServer(
    { handle: (_request, responder) => responder.send(404, [], null) },
    { grpc: { handler: { find: () => echo } } },
  );
  return (await server.listen({ host: '127.0.0.1', port: 0 })).port;
}
