export { HttpClient } from './http/fetch-client.ts';
export * from './shared.ts';
