/**
 * Claim: 1,000 streams of gRPC that are open at the same time on one connection, each with requests under
 * way, are all answered, and cost the server at most 128 MB of resident memory; no more with each round.
 */
import { connect } from 'node:http2';
import { encodeMessage } from '@nereid/protocol';
import { residentBytes } from '@nereid/test-kit';
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printVerdict } from '../harness/claim-report.ts';
import { grpcMessage } from '../harness/h2load.ts';
import { spreadOf } from '../harness/spread.ts';

const streams = 1000;
const requestsPerStream = 4;
const rounds = 6;

function request(): Buffer {
  const raw = Buffer.from(new Int32Array(16).buffer);
  const message = encodeMessage('inference.ModelInferRequest', {
    model_name: 'simple',
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
    raw_input_contents: [raw, raw],
  });
  return grpcMessage(message);
}

/** Opens all streams, then asks on each, then ends them. @returns Streams that ended well. */
async function round(port: number, message: Buffer, whenOpen: () => void): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`);
  const calls = Array.from({ length: streams }, () =>
    session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelStreamInfer',
      'content-type': 'application/grpc',
      te: 'trailers',
    }),
  );
  const ends = calls.map(
    (call) =>
      new Promise<boolean>((resolve, reject) => {
        call.on('trailers', (trailers) => resolve(trailers['grpc-status'] === '0'));
        call.on('error', reject);
        call.resume();
      }),
  );
  const answered = calls.map(
    (call) => new Promise<void>((resolve) => call.once('data', () => resolve())),
  );
  for (const call of calls) call.write(Buffer.concat(Array(requestsPerStream).fill(message)));
  await Promise.all(answered);
  whenOpen();
  for (const call of calls) call.end();
  const good = (await Promise.all(ends)).filter(Boolean).length;
  session.close();
  return good;
}

async function main(): Promise<void> {
  const server = await startServer(`--model-repository=${exampleRepository(['simple'])}`);
  const message = request();
  const port = server.grpcPort ?? 0;
  const before = residentBytes(server.pid);
  const megabytes: number[] = [];
  const good: number[] = [];
  for (let count = 0; count < rounds; count += 1) {
    good.push(
      await round(port, message, () => {
        megabytes.push((residentBytes(server.pid) - before) / 1e6);
      }),
    );
  }
  console.log(
    `\nResident memory over that of the idle server, MB, round by round with ${streams} streams open`,
  );
  console.log(`  ${megabytes.map((value) => value.toFixed(1)).join('  ')}`);
  printVerdict('streams on one connection that were answered', spreadOf(good), {
    atLeast: streams,
  });
  printVerdict(
    `memory of ${streams} streams on one connection`,
    spreadOf(megabytes),
    { atMost: 128 },
    ' MB',
  );
  printVerdict(
    'memory of the last round to that of the second',
    spreadOf([(megabytes.at(-1) ?? Number.NaN) / (megabytes[1] ?? Number.NaN)]),
    { atMost: 1.5 },
  );
  await server.stop();
}

await main();
