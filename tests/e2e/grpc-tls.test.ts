import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureGoTool } from '../../tools/go-tools.mjs';
import { exampleModels } from './checkout.ts';
import { runCommand } from './run-command.ts';
import { runPytest } from './run-python.ts';
import { makeCertificates, opensslProblem } from './tls-certificates.ts';

const tool = ensureGoTool('github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3', 'grpcurl');
const toolReason = tool.available ? '' : ` (skipped: ${tool.reason})`;
const reason = opensslProblem === null ? '' : ` (skipped: ${opensslProblem})`;
let folder: string;

/** What the servers read: of the authority `first` at the start. */
function serverFile(name: string): string {
  return join(folder, 'live', name);
}

function flags(...more: string[]): string[] {
  return [
    `--model-repository=${exampleModels}`,
    `--grpc-server-cert=${serverFile('cert.pem')}`,
    `--grpc-server-key=${serverFile('key.pem')}`,
    `--grpc-root-cert=${serverFile('root.pem')}`,
    ...more,
  ];
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-tls-'));
  if (opensslProblem !== null) return;
  for (const authority of ['first', 'second']) {
    makeCertificates(join(folder, authority), authority);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function installFirst(): void {
  mkdirSync(join(folder, 'live'), { recursive: true });
  copyFileSync(join(folder, 'first', 'server.pem'), serverFile('cert.pem'));
  copyFileSync(join(folder, 'first', 'server.key'), serverFile('key.pem'));
  copyFileSync(join(folder, 'first', 'ca.pem'), serverFile('root.pem'));
}

describe.skipIf(opensslProblem !== null)(`certificates made for the test${reason}`, () => {
  it("serve Triton's own client, over TLS and mutual TLS, and are renewed without a restart", async () => {
    installFirst();
    const oneWay = await ServerProcess.start({ flags: flags('--grpc-use-ssl=true') });
    const mutual = await ServerProcess.start({ flags: flags('--grpc-use-ssl-mutual=true') });
    const summary = await runPytest('test_grpc_tls.py', {
      NEREID_TLS_URL: `localhost:${oneWay.grpcPort}`,
      NEREID_MUTUAL_TLS_URL: `localhost:${mutual.grpcPort}`,
      NEREID_CERTIFICATES: folder,
    });
    expect(summary).toMatch(/^\d+ passed/u);
    for (const server of [oneWay, mutual]) {
      await server.logged(/certificates of gRPC cannot be used/u);
      // The test has left a broken certificate behind: said once, however often it was looked at.
      expect(server.log.match(/certificates of gRPC cannot be used/gu)).toHaveLength(1);
      expect((await server.stop()).status).toBe(0);
    }
  });

  it('are read at once on SIGHUP', async () => {
    installFirst();
    const server = await ServerProcess.start({ flags: flags('--grpc-use-ssl=true') });
    server.signal('SIGHUP');
    await server.logged(/Reloaded the certificates of gRPC/u);
    expect((await server.stop()).status).toBe(0);
  });

  it('have to fit each other', async () => {
    installFirst();
    copyFileSync(join(folder, 'second', 'server.key'), serverFile('key.pem'));
    const end = await runServerToEnd({ flags: flags('--grpc-use-ssl=true') });
    expect(end.status).toBe(1);
    expect(end.output).toContain('the certificates of gRPC cannot be used: ');
    writeFileSync(serverFile('key.pem'), '');
    const empty = await runServerToEnd({ flags: flags('--grpc-use-ssl=true') });
    expect(empty.output).toContain('the key is empty');
  });

  it.skipIf(!tool.available)(`serve grpcurl${toolReason}`, async () => {
    installFirst();
    const mutual = await ServerProcess.start({ flags: flags('--grpc-use-ssl-mutual=true') });
    const isLive = async (secsMax: number, ...options: string[]): Promise<string> => {
      if (!tool.available) throw new Error(tool.reason);
      const { output } = await runCommand(tool.path, [
        ...['-max-time', `${secsMax}`, ...options, `localhost:${mutual.grpcPort}`],
        'inference.GRPCInferenceService/ServerLive',
      ]);
      return output.replaceAll(/\s/gu, '');
    };
    const first = (name: string): string => join(folder, 'first', name);
    const own = ['-cert', first('client.pem'), '-key', first('client.key')];
    expect(await isLive(60, '-cacert', first('ca.pem'), ...own)).toBe('{"live":true}');
    // Who is refused may try again until the time is over.
    expect(await isLive(3, '-cacert', first('ca.pem'))).not.toContain('live');
    const second = join(folder, 'second', 'ca.pem');
    expect(await isLive(3, '-cacert', second, ...own)).not.toContain('live');
    expect((await mutual.stop()).status).toBe(0);
  });
});

it('says which file is missing', async () => {
  const end = await runServerToEnd({
    flags: [`--model-repository=${exampleModels}`, '--grpc-use-ssl=true'],
  });
  expect(end.status).toBe(1);
  expect(end.output).toContain('gRPC over TLS needs --grpc-server-cert=<path of a PEM file>');
});
