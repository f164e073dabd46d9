/**
 * Claim: with three small models loaded, each of which has answered, the server takes less than 100 MB
 * of resident memory. Beside it: the same after a thousand inferences, when V8 has grown its heap and
 * compiled what is hot, and a bare `node:http` server after as many requests.
 */
import { residentBytes } from '@nereid/test-kit';
import { exampleRepository } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import {
  binaryAnswer,
  binaryInference,
  postBytes,
  simpleInference,
} from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { PeerProcess } from '../harness/peer-process.ts';
import { spreadOf } from '../harness/spread.ts';

const rounds = 3;
const requestsPerRound = 1000;
const megabytesMax = 100;
const models: readonly string[] = ['simple', 'simple_string', 'simple_identity'];

/** String tensor data: each element behind its length. */
function strings(values: readonly string[]): Uint8Array {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(value));
      return [length, Buffer.from(value)];
    }),
  );
}

function requests(): readonly Buffer[] {
  const sixteen = strings(Array.from({ length: 16 }, (_, index) => String(index)));
  const shape = [1, 16];
  return [
    simpleInference(),
    binaryInference('simple_string', [
      { name: 'INPUT0', datatype: 'BYTES', shape, data: sixteen },
      { name: 'INPUT1', datatype: 'BYTES', shape, data: sixteen },
    ]),
    binaryInference('simple_identity', [
      { name: 'INPUT0', datatype: 'BYTES', shape, data: sixteen },
    ]),
  ].map(postBytes);
}

/** With every model asked once, and after all requests. */
async function megabytesOfServer(repository: string): Promise<[number, number]> {
  const server = await startServer(`--model-repository=${repository}`);
  const client = await KeepAliveClient.connect(server.port);
  const questions = requests();
  for (const question of questions) binaryAnswer(await client.ask(question));
  const loaded = residentBytes(server.pid) / 1e6;
  for (let count = 0; count < requestsPerRound; count += 1) {
    binaryAnswer(await client.ask(questions[count % questions.length]!));
  }
  const used = residentBytes(server.pid) / 1e6;
  client.close();
  await server.stop();
  return [loaded, used];
}

async function megabytesOfEcho(): Promise<number> {
  const peer = await PeerProcess.start('json-echo.mjs');
  const client = await KeepAliveClient.connect(Number(peer.firstLine));
  const request = Buffer.from(
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{"value": 42}',
  );
  for (let count = 0; count < requestsPerRound; count += 1) {
    const { status } = await client.ask(request);
    if (status !== 200) throw new Error(`status ${status}`);
  }
  const megabytes = residentBytes(peer.pid) / 1e6;
  client.close();
  await peer.stop();
  return megabytes;
}

async function main(): Promise<void> {
  const repository = exampleRepository(models);
  const echo: number[] = [];
  const loaded: number[] = [];
  const used: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    echo.push(await megabytesOfEcho());
    const [megabytesLoaded, megabytesUsed] = await megabytesOfServer(repository);
    loaded.push(megabytesLoaded);
    used.push(megabytesUsed);
  }
  printTable(
    `Resident memory, ${rounds} processes each in turn`,
    [{ title: 'MB', digits: 1 }],
    [
      { name: `node:http echo, after ${requestsPerRound} requests`, samples: [echo] },
      { name: `nereid, ${models.length} models, each asked once`, samples: [loaded] },
      { name: `nereid, after ${requestsPerRound} requests`, samples: [used] },
    ],
  );
  printVerdict(
    'resident memory with three small models loaded',
    spreadOf(loaded),
    { atMost: megabytesMax },
    ' MB',
  );
}

await main();
