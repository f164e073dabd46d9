/** What a client of gRPC needs: HTTP/2 from the client's side, and gRPC's messages. */
export { systemClock, type TransportClock } from './clock.ts';
export { GrpcStatus } from './grpc/grpc-status.ts';
export { compressMessage, inflateMessage, type MessageEncoding } from './grpc/message-coding.ts';
export { type MessageMemory, MessageReader, type MessageSink } from './grpc/message-reader.ts';
export { type HeaderList, headerValue } from './hpack/header-list.ts';
export type { EncodedField } from './hpack/hpack-encoder.ts';
export { PieceList } from './http1/piece-list.ts';
export type { ClientKeepalive } from './http2/client/client-life.ts';
export { ClientSocket, type ClientTarget } from './http2/client/client-socket.ts';
export {
  type ClientConnectionOptions,
  type ClientConnectionOwner,
  clientLimits,
  Http2ClientConnection,
  type ResponseReader,
} from './http2/client/http2-client-connection.ts';
export { ErrorCode } from './http2/frame.ts';
export type { Http2Stream, StreamLoss } from './http2/http2-stream.ts';
