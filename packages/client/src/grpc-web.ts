export { GrpcWebClient } from './grpc-web/grpc-web-client.ts';
export * from './shared.ts';
