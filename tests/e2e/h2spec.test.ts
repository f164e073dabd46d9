import { HttpServer, type TlsOptions } from '@nereid/transport';
import { expect, it } from 'vitest';
import { serverCert, serverKey } from '../../packages/transport/src/testing/certificates.ts';
import { ensureGoTool } from '../../tools/go-tools.mjs';
import { interopService } from './interop-service.ts';
import { runCommand } from './run-command.ts';

const tool = ensureGoTool('github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible', 'h2spec');
const reason = tool.available ? '' : ` (skipped: ${tool.reason})`;

/** Runs all of h2spec, strict cases too, and gives the names of the cases that fail. */
async function failures(tls: TlsOptions | null): Promise<string[]> {
  if (!tool.available) throw new Error(tool.reason);
  const faults: unknown[] = [];
  const server = new HttpServer(
    { handle: (_request, responder) => responder.send(200, [], 'hello'.repeat(20)) },
    { tls, grpc: { handler: interopService }, handlerFailed: (error) => faults.push(error) },
  );
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const { output } = await runCommand(tool.path, [
    ...['--strict', '--host=127.0.0.1', `--port=${port}`, '--timeout=2'],
    ...(tls === null ? [] : ['--tls', '--insecure']),
  ]);
  await server.close({ graceMs: 0 });
  expect(faults).toEqual([]);
  const count = Number(/(\d+) tests, \d+ passed, 0 skipped/.exec(output)?.[1]);
  expect(count, output).toBeGreaterThanOrEqual(145);
  // Each is named where it runs and again in the summary.
  const names = [...output.matchAll(/^\s*× \d+: (.+)$/gm)].map((match) => match[1] as string);
  return [...new Set(names)];
}

it.skipIf(!tool.available)(`h2spec finds nothing over TLS${reason}`, async () => {
  expect(await failures({ cert: serverCert, key: serverKey })).toEqual([]);
});

it.skipIf(!tool.available)(
  `h2spec finds HTTP/1.1 on the plain port, nothing else${reason}`,
  async () => {
    // Without TLS the first bytes decide: what is no preface of HTTP/2 is answered as HTTP/1.1.
    expect(await failures(null)).toEqual(['Sends invalid connection preface']);
  },
);
