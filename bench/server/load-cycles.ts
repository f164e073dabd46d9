/**
 * Claim: five hundred times loading, running and unloading a model of 20 MB leave the server's
 * resident memory where it was, within five percent. Beside it: as many cycles of bare ONNX Runtime.
 */
import { join } from 'node:path';
import { residentBytes } from '@nereid/test-kit';
import { wideModel, wideShape } from '../harness/bench-models.ts';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { binaryAnswer, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { type Spread, spreadOf } from '../harness/spread.ts';

const warmUpCycles = 50;
const cycles = 500;
/** Memory swings with the garbage collector: the last cycles before and after are compared. */
const windowCycles = 20;
const growthMax = 1.05;

const config = `backend: "onnxruntime"
max_batch_size: 0
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ ${wideShape.join(', ')} ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ 1, 2560 ] } ]
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
`;

function post(path: string): Buffer {
  return postBytes({ path, headers: {}, body: Buffer.alloc(0) });
}

async function succeed(client: KeepAliveClient, request: Buffer): Promise<Buffer> {
  const { status, body } = await client.ask(request);
  if (status !== 200) throw new Error(`status ${status}: ${body.toString()}`);
  return body;
}

/** Unloading is answered when it has begun. */
async function unloaded(client: KeepAliveClient): Promise<void> {
  const ready = Buffer.from('GET /v2/models/wide/ready HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const index = post('/v2/repository/index');
  while ((await client.ask(ready)).status === 200);
  while (/UNLOADING/u.test((await succeed(client, index)).toString()));
}

/** Resident bytes after each cycle. */
async function cyclesOfServer(repository: string): Promise<readonly number[]> {
  const server = await startServer(
    `--model-repository=${repository}`,
    '--model-control-mode=explicit',
  );
  const client = await KeepAliveClient.connect(server.port);
  const count = wideShape.reduce((product, dim) => product * dim, 1);
  const inference = postBytes(
    binaryInference('wide', [
      { name: 'INPUT', datatype: 'FP32', shape: wideShape, data: Buffer.alloc(count * 4) },
    ]),
  );
  const resident: number[] = [];
  for (let cycle = 0; cycle < warmUpCycles + cycles; cycle += 1) {
    await succeed(client, post('/v2/repository/models/wide/load'));
    binaryAnswer(await client.ask(inference));
    await succeed(client, post('/v2/repository/models/wide/unload'));
    await unloaded(client);
    resident.push(residentBytes(server.pid));
  }
  client.close();
  await server.stop();
  return resident;
}

async function cyclesOfRuntime(model: string): Promise<readonly number[]> {
  const peer = await PeerProcess.start('onnx-cycles.mjs', [
    model,
    'INPUT',
    'OUTPUT',
    ...wideShape.map(String),
  ]);
  const resident = JSON.parse(await peer.ask(String(warmUpCycles + cycles))) as number[];
  await peer.stop();
  return resident;
}

function megabytesUntil(resident: readonly number[], cycle: number): number[] {
  return resident.slice(cycle - windowCycles, cycle).map((bytes) => bytes / 1e6);
}

function growth(resident: readonly number[]): Spread {
  const before = spreadOf(megabytesUntil(resident, warmUpCycles)).median;
  return spreadOf(megabytesUntil(resident, warmUpCycles + cycles).map((after) => after / before));
}

async function main(): Promise<void> {
  const model = wideModel();
  const repository = repositoryOf({
    'wide/config.pbtxt': config,
    'wide/1/model.onnx': model,
  });
  const nereid = await cyclesOfServer(repository);
  const runtime = await cyclesOfRuntime(join(repository, 'wide', '1', 'model.onnx'));
  const contestants = [
    { name: 'bare ONNX Runtime', resident: runtime },
    { name: 'nereid, over HTTP', resident: nereid },
  ];
  printTable(
    `Load, run, unload ${(model.byteLength / 1e6).toFixed(0)} MB, ${cycles} times after ${warmUpCycles} to warm up`,
    [
      { title: 'resident before, MB', digits: 1 },
      { title: 'resident after, MB', digits: 1 },
    ],
    contestants.map(({ name, resident }) => ({
      name,
      samples: [
        megabytesUntil(resident, warmUpCycles),
        megabytesUntil(resident, warmUpCycles + cycles),
      ],
    })),
  );
  const course = nereid.filter((_, cycle) => cycle % 50 === 49);
  console.log(
    `    nereid, every 50 cycles: ${course.map((bytes) => (bytes / 1e6).toFixed(0)).join(' ')}`,
  );
  printVerdict(`resident memory after ${cycles} load cycles to that before`, growth(nereid), {
    atMost: growthMax,
  });
}

await main();
