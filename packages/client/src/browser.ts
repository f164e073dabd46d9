export { GrpcWebClient } from './grpc-web/grpc-web-client.ts';
export { HttpClient } from './http/fetch-client.ts';
export * from './shared.ts';
