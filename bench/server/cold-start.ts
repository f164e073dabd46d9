/**
 * Claim: from the start of the built command to the first answer of `simple` it takes less than a
 * quarter of a second. Beside it: what `node -e 0` takes to start and end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePorts } from '@nereid/test-kit';
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { checkSimpleAnswer, postBytes, simpleInference } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { spreadOf } from '../harness/spread.ts';

const rounds = 10;
const secondsMax = 0.25;
const giveUpMs = 10_000;
const retryMs = 2;
const command = fileURLToPath(
  new URL('../../packages/server/bin/tritonserver.js', import.meta.url),
);

async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Asks a server that is about to start until it answers. */
async function firstAnswer(port: number, request: Buffer, child: ChildProcess): Promise<void> {
  const giveUp = performance.now() + giveUpMs;
  for (;;) {
    try {
      const client = await KeepAliveClient.connect(port);
      checkSimpleAnswer(await client.ask(request));
      client.close();
      return;
    } catch (error) {
      if (child.exitCode !== null || performance.now() > giveUp) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

async function secondsToFirstAnswer(repository: string, request: Buffer): Promise<number> {
  const [port = 0, metricsPort = 0] = await freePorts(2);
  const flags = [
    `--model-repository=${repository}`,
    '--http-address=127.0.0.1',
    `--http-port=${port}`,
    '--metrics-address=127.0.0.1',
    `--metrics-port=${metricsPort}`,
    '--allow-grpc=false',
  ];
  const begin = performance.now();
  const child = spawn(process.execPath, [command, ...flags], { stdio: 'ignore' });
  try {
    await firstAnswer(port, request, child);
    return (performance.now() - begin) / 1000;
  } finally {
    await end(child);
  }
}

async function secondsOfNode(): Promise<number> {
  const begin = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'close');
  return (performance.now() - begin) / 1000;
}

async function main(): Promise<void> {
  const repository = exampleRepository(['simple']);
  const request = postBytes(simpleInference());
  // Builds what has changed, so that the measured starts find it built.
  const builder = await startServer(`--model-repository=${repository}`);
  await builder.stop();
  await secondsToFirstAnswer(repository, request);
  const node: number[] = [];
  const nereid: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    node.push(await secondsOfNode());
    nereid.push(await secondsToFirstAnswer(repository, request));
  }
  printTable(
    `Cold start, ${rounds} in turn`,
    [{ title: 'seconds', digits: 3 }],
    [
      { name: 'node -e 0', samples: [node] },
      { name: 'nereid, first answer of simple', samples: [nereid] },
    ],
  );
  printVerdict(
    'cold start to the first answer of simple',
    spreadOf(nereid),
    { atMost: secondsMax },
    ' s',
  );
}

await main();
