import type { TLSSocket, TlsOptions } from 'node:tls';
import { encodeMessage } from '@nereid/protocol';
import { afterEach, expect, it } from 'vitest';
import {
  authorityCert,
  clientCert,
  clientKey,
  serverCert,
  serverKey,
} from '../../../transport/src/testing/certificates.ts';
import { FrameServer } from '../../../transport/src/testing/frame-server.ts';
import { InferenceError } from '../inference-error.ts';
import type { TlsClientOptions } from './endpoint.ts';
import { GrpcClient } from './grpc-client.ts';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

const trusted: TlsClientOptions = { ca: authorityCert };
const both: TlsOptions = { cert: serverCert, key: serverKey, ALPNProtocols: ['h2', 'http/1.1'] };
const mutual: TlsOptions = { ...both, ca: authorityCert, requestCert: true };

async function serve(
  tls: TlsOptions,
  options: TlsClientOptions,
): Promise<[FrameServer, GrpcClient]> {
  const server = await FrameServer.start(undefined, tls);
  const client = new GrpcClient(`grpcs://127.0.0.1:${server.port}`, { tls: options });
  closings.push(
    () => server.close(),
    () => client.close(),
  );
  return [server, client];
}

it.each<[string, TlsOptions, TlsClientOptions]>([
  ['a server that it trusts', both, trusted],
  ['any server where it shall not look', both, { verify: false }],
  ['with a certificate of its own', mutual, { ...trusted, cert: clientCert, key: clientKey }],
])('speaks HTTP/2 over TLS to %s', async (_, tls, options) => {
  const [server, client] = await serve(tls, options);
  const asked = client.isServerLive();
  const connection = await server.connection();
  await connection.untilEnded(1);
  expect((connection.socket as TLSSocket).alpnProtocol).toBe('h2');
  expect(connection.field(1, ':scheme')).toBe('https');
  connection.answer(1, encodeMessage('inference.ServerLiveResponse', { live: true }));
  expect(await asked).toBe(true);
});

it.each<[string, TlsOptions, TlsClientOptions, RegExp]>([
  ['it does not trust', both, {}, /self-signed|unable to verify|local issuer/u],
  ['has the name of another', both, { ...trusted, serverName: 'other.example' }, /other\.example/u],
  ['agrees to no HTTP/2', { cert: serverCert, key: serverKey }, trusted, /did not agree to h2/u],
  [
    'speaks HTTP/1 alone',
    { ...both, ALPNProtocols: ['http/1.1'] },
    trusted,
    /alert|did not agree/u,
  ],
  ['wants a certificate', { ...mutual, rejectUnauthorized: true }, trusted, /certificate|closed/u],
])('says nothing to a server that %s', async (_, tls, options, reason) => {
  const [server, client] = await serve(tls, options);
  const error = await client.isServerLive().then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(InferenceError);
  expect((error as InferenceError).code).toBe('UNAVAILABLE');
  expect((error as InferenceError).message).toMatch(reason);
  for (const { frames, chunkCount } of server.connections) {
    expect([frames.length, chunkCount]).toEqual([0, 0]);
  }
});
