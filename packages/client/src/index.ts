export type { StreamAnswer } from './grpc/infer-response-message.ts';
export type { InferStream } from './grpc/infer-stream.ts';
export { GrpcWebClient } from './grpc-web/grpc-web-client.ts';
export type { TlsClientOptions } from './node/endpoint.ts';
export { GrpcClient, type GrpcClientOptions, type KeepaliveOptions } from './node/grpc-client.ts';
export { HttpClient, type HttpClientOptions } from './node/http-client.ts';
export * from './shared.ts';
