import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureGoTool } from '../../tools/go-tools.mjs';
import { exampleModels } from './checkout.ts';
import { runCommand } from './run-command.ts';

const tool = ensureGoTool('github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3', 'grpcurl');
const reason = tool.available ? '' : ` (skipped: ${tool.reason})`;
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
});

/** Runs grpcurl without any .proto file. */
async function grpcurl(port: number | null, ...args: string[]): Promise<string> {
  if (!tool.available) throw new Error(tool.reason);
  // Options, the address, then what is asked for.
  const at = args.findIndex((arg) => !arg.startsWith('-') && !arg.startsWith('{'));
  const address = `127.0.0.1:${port}`;
  const ordered = ['-plaintext', ...args.slice(0, at), address, ...args.slice(at)];
  const end = await runCommand(tool.path, ordered);
  return `${end.status}\n${end.output}`;
}

it.skipIf(!tool.available)(`lists and describes the services${reason}`, async () => {
  const list = await grpcurl(server.grpcPort, 'list');
  expect(list).toMatch(/^0\n/u);
  for (const service of ['inference.GRPCInferenceService', 'grpc.health.v1.Health']) {
    expect(list).toContain(service);
  }
  const message = await grpcurl(server.grpcPort, 'describe', 'inference.ModelInferRequest');
  expect(message).toContain('repeated bytes raw_input_contents = 7;');
  expect(message).toContain('map<string, .inference.InferParameter> parameters = 4;');
});

it.skipIf(!tool.available)(`calls methods by their names, on either port${reason}`, async () => {
  for (const port of [server.grpcPort, server.port]) {
    const live = await grpcurl(port, 'inference.GRPCInferenceService/ServerLive');
    expect(live.replaceAll(/\s/gu, '')).toBe('0{"live":true}');
  }
  const health = await grpcurl(server.grpcPort, 'grpc.health.v1.Health/Check');
  expect(health).toContain('"status": "SERVING"');
  const numbers = Array.from({ length: 16 }, (_, i) => i).join();
  const input = (name: string): string =>
    `{"name":"${name}","datatype":"INT32","shape":[1,16],"contents":{"intContents":[${numbers}]}}`;
  const request = `{"model_name":"simple","inputs":[${input('INPUT0')},${input('INPUT1')}]}`;
  const method = 'inference.GRPCInferenceService/ModelInfer';
  const answer = await grpcurl(server.grpcPort, '-d', request, method);
  const sums = Buffer.from(Int32Array.from({ length: 16 }, (_, i) => 2 * i).buffer);
  expect(answer).toContain(sums.toString('base64'));
  const unknown = await grpcurl(server.grpcPort, '-d', '{"model_name":"none"}', method);
  expect(unknown).toContain('Code: NotFound');
  expect(unknown).toContain("Request for unknown model: 'none' is not found");
});
