import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpServer } from '@nereid/transport';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  authorityCert,
  serverCert,
  serverKey,
} from '../../packages/transport/src/testing/certificates.ts';
import { ensureGoTool } from '../../tools/go-tools.mjs';
import { interopService } from './interop-service.ts';
import { runCommand } from './run-command.ts';

const tool = ensureGoTool('google.golang.org/grpc/interop/client@v1.85.0', 'grpc-interop-client');
const reason = tool.available ? '' : ` (skipped: ${tool.reason})`;
const faults: unknown[] = [];
let server: HttpServer;
let port: number;

beforeAll(async () => {
  server = new HttpServer(
    { handle: (_request, responder) => responder.send(404, [], null) },
    { grpc: { handler: interopService }, handlerFailed: (error) => faults.push(error) },
  );
  ({ port } = await server.listen({ host: '127.0.0.1', port: 0 }));
});
afterAll(async () => {
  await server.close({ graceMs: 0 });
  expect(faults).toEqual([]);
});

/**
 * Every case of gRPC's Go client that needs no credentials, no load balancer and no load report; it has
 * none for compression, which unit tests of the transport cover.
 */
it
  .skipIf(!tool.available)
  .each([
    'empty_unary',
    'large_unary',
    'client_streaming',
    'server_streaming',
    'ping_pong',
    'empty_stream',
    'timeout_on_sleeping_server',
    'cancel_after_begin',
    'cancel_after_first_response',
    'status_code_and_message',
    'special_status_message',
    'custom_metadata',
    'unimplemented_method',
    'unimplemented_service',
    'pick_first_unary',
  ])(`gRPC's own client passes %s${reason}`, async (testCase) => {
  if (!tool.available) return;
  const flags = ['--server_host=127.0.0.1', `--server_port=${port}`, `--test_case=${testCase}`];
  const { status, output } = await runCommand(tool.path, flags);
  expect(status, output).toBe(0);
});

it.skipIf(!tool.available).each(['large_unary', 'ping_pong', 'cancel_after_first_response'])(
  `gRPC's own client passes %s over TLS${reason}`,
  async (testCase) => {
    if (!tool.available) return;
    const folder = mkdtempSync(join(tmpdir(), 'grpc-interop-'));
    const authority = join(folder, 'ca.pem');
    writeFileSync(authority, authorityCert);
    const secure = new HttpServer(
      { handle: (_request, responder) => responder.send(404, [], null) },
      { grpc: { handler: interopService }, tls: { cert: serverCert, key: serverKey } },
    );
    const address = await secure.listen({ host: '127.0.0.1', port: 0 });
    const { status, output } = await runCommand(tool.path, [
      ...['--server_host=127.0.0.1', `--server_port=${address.port}`, `--test_case=${testCase}`],
      ...['--use_tls', '--use_test_ca', `--ca_file=${authority}`],
      '--server_host_override=localhost',
    ]);
    await secure.close({ graceMs: 0 });
    rmSync(folder, { recursive: true });
    expect(status, output).toBe(0);
  },
);

it.skipIf(!tool.available)(`a thousand calls on one connection${reason}`, async () => {
  if (!tool.available) return;
  const { status, output } = await runCommand(tool.path, [
    ...['--server_host=127.0.0.1', `--server_port=${port}`, '--test_case=rpc_soak'],
    ...['--soak_iterations=1000', '--soak_overall_timeout_seconds=110', '--soak_num_threads=8'],
    ...[
      '--soak_per_iteration_max_acceptable_latency_ms=60000',
      '--soak_request_size=1000',
      '--soak_response_size=1000',
      '--soak_min_time_ms_between_rpcs=0',
    ],
  ]);
  expect(status, output).toBe(0);
});
