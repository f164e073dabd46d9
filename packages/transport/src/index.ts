export type { AddressOf } from './body-memory.ts';
export { type BlockSource, BodyMemory } from './body-memory.ts';
export { systemClock, type TransportClock, type TransportTimer } from './clock.ts';
export { decodeContent } from './content-decoding.ts';
export type {
  AlignedOffset,
  GrpcCall,
  GrpcHandler,
  GrpcMetadataEntry,
  GrpcMethod,
  GrpcStream,
  GrpcStreamMethod,
  GrpcStreamReader,
  GrpcUnaryMethod,
  GrpcUnaryResponder,
} from './grpc/grpc-handler.ts';
export {
  type GrpcKeepalive,
  type GrpcLimits,
  type GrpcOptions,
  grpcKeepaliveDefaults,
  grpcLimitDefaults,
} from './grpc/grpc-limits.ts';
export { GrpcStatus } from './grpc/grpc-status.ts';
export {
  type BodyPlan,
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponder,
  type HttpStream,
  plainRefusal,
  type RefusalText,
  type ResponseBody,
} from './http-handler.ts';
export { type HttpLimits, httpLimitDefaults } from './http-limits.ts';
export { HttpServer, type HttpServerOptions } from './http-server.ts';
export { type Http2Limits, http2LimitDefaults } from './http2/http2-limits.ts';
export { type InjectedReply, type InjectedRequest, injectRequest } from './inject-request.ts';
export type { ListenAddress } from './listener.ts';
export type { ResponseObserver } from './response-observer.ts';
export { readSocket, type SocketSink } from './socket-reader.ts';
export type { TlsOptions } from './tls-server.ts';
