import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  authorityCert,
  serverCert,
  serverKey,
} from '../../packages/transport/src/testing/certificates.ts';
import { ensureGoTool } from '../../tools/go-tools.mjs';
import { exampleModels } from './checkout.ts';
import { runCommand } from './run-python.ts';

const tool = ensureGoTool('github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3', 'grpcurl');
const reason = tool.available ? '' : ` (skipped: ${tool.reason})`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-tls-'));
  for (const [name, pem] of [
    ['cert.pem', serverCert],
    ['key.pem', serverKey],
    ['root.pem', authorityCert],
  ] as const) {
    writeFileSync(join(folder, name), pem);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function flags(): string[] {
  return [
    `--model-repository=${exampleModels}`,
    `--grpc-server-cert=${join(folder, 'cert.pem')}`,
    `--grpc-server-key=${join(folder, 'key.pem')}`,
    `--grpc-root-cert=${join(folder, 'root.pem')}`,
  ];
}

/** Asks over TLS whether the server lives. */
async function isLive(server: ServerProcess, ...options: string[]): Promise<string> {
  if (!tool.available) throw new Error(tool.reason);
  const { output } = await runCommand(tool.path, [
    ...['-cacert', join(folder, 'root.pem'), '-authority', 'localhost', '-max-time', '3'],
    ...options,
    `127.0.0.1:${server.grpcPort}`,
    'inference.GRPCInferenceService/ServerLive',
  ]);
  return output.replaceAll(/\s/gu, '');
}

it.skipIf(!tool.available)(`serves gRPC over TLS${reason}`, async () => {
  const server = await ServerProcess.start({ flags: [...flags(), '--grpc-use-ssl=true'] });
  expect(await isLive(server)).toBe('{"live":true}');
  expect((await server.stop()).status).toBe(0);
});

it.skipIf(!tool.available)(`asks clients for certificates${reason}`, async () => {
  const server = await ServerProcess.start({ flags: [...flags(), '--grpc-use-ssl-mutual=true'] });
  expect(await isLive(server)).not.toContain('live');
  const own = ['-cert', join(folder, 'cert.pem'), '-key', join(folder, 'key.pem')];
  expect(await isLive(server, ...own)).toBe('{"live":true}');
  expect((await server.stop()).status).toBe(0);
});

it('says which file is missing', async () => {
  const end = await runServerToEnd({
    flags: [`--model-repository=${exampleModels}`, '--grpc-use-ssl=true'],
  });
  expect(end.status).toBe(1);
  expect(end.output).toContain('gRPC over TLS needs --grpc-server-cert=<path of a PEM file>');
});
