/**
 * Claim: a tensor of 4.9 MB in and out through shared memory costs the server at most 0.3 of the processor
 * time where the model reads and writes it in place, against where it is copied (the type of the tensor
 * decides that), and at most 0.3 of that of sending the bytes.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type OnnxTypeName, onnxModel } from '@nereid/test-kit';
import { repositoryOf } from '../harness/bench-repository.ts';
import { startServer } from '../harness/bench-server.ts';
import { printSkipped, printVerdict } from '../harness/claim-report.ts';
import { type BinaryInference, binaryInference, postBytes } from '../harness/infer-request.ts';
import { KeepAliveClient } from '../harness/keep-alive-client.ts';
import { compareRequestCost, type MeasuredRequest } from '../harness/request-cost.ts';
import { ratioOf } from '../harness/spread.ts';

const shape: readonly number[] = [1, 3, 640, 640];
const byteSize = shape.reduce((product, dim) => product * dim, 4);
const key = `/nereid-bench-${process.pid}`;
const file = `/dev/shm${key}`;

/** One thread: those of a pool spin while they wait, which would be counted. */
const config = `backend: "onnxruntime"
parameters { key: "intra_op_thread_count" value { string_value: "1" } }
`;

/** `OUTPUT = -INPUT`: it has to look at every element. */
function negation(type: OnnxTypeName): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'Neg', inputs: ['INPUT'], outputs: ['OUTPUT'] }],
    inputs: [{ name: 'INPUT', type, shape }],
    outputs: [{ name: 'OUTPUT', type, shape }],
  });
}

function sharedInference(model: string, datatype: string): BinaryInference {
  const at = (offset: number) => ({
    shared_memory_region: 'tensors',
    shared_memory_byte_size: byteSize,
    shared_memory_offset: offset,
  });
  const json = JSON.stringify({
    inputs: [{ name: 'INPUT', datatype, shape, parameters: at(0) }],
    outputs: [{ name: 'OUTPUT', parameters: at(byteSize) }],
  });
  return { path: `/v2/models/${model}/infer`, headers: {}, body: Buffer.from(json) };
}

async function main(): Promise<void> {
  const claim = 'server CPU of 4.9 MB in and out through shared memory in place';
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    printSkipped(claim, 'shared memory is mapped on Linux on x86-64 only');
    return;
  }
  const values = Float32Array.from({ length: byteSize / 4 }, (_, index) => index);
  const data = Buffer.from(values.buffer);
  writeFileSync(file, Buffer.concat([data, Buffer.alloc(byteSize)]));
  const repository = repositoryOf({
    'float/config.pbtxt': config,
    'float/1/model.onnx': negation('FLOAT'),
    'int/config.pbtxt': config,
    'int/1/model.onnx': negation('INT32'),
  });
  const server = await startServer(`--model-repository=${repository}`, '--allow-client-shm=true');
  const client = await KeepAliveClient.connect(server.port);
  const registration = { key, offset: 0, byte_size: 2 * byteSize };
  await client.ask(
    postBytes({
      path: '/v2/systemsharedmemory/region/tensors/register',
      headers: {},
      body: Buffer.from(JSON.stringify(registration)),
    }),
  );
  const measured = async (name: string, inference: BinaryInference): Promise<MeasuredRequest> => {
    const request = postBytes(inference);
    const answer = await client.ask(request);
    if (answer.status !== 200) throw new Error(answer.body.toString());
    const answerBytes = Buffer.byteLength(answer.head, 'latin1') + answer.body.length;
    return { name, pid: server.pid, ask: () => client.count(request, answerBytes) };
  };
  const bytes = binaryInference('float', [{ name: 'INPUT', datatype: 'FP32', shape, data }]);
  const requests = [
    await measured('sent, FP32', bytes),
    await measured('shared memory, copied, INT32', sharedInference('int', 'INT32')),
    await measured('shared memory, in place, FP32', sharedInference('float', 'FP32')),
  ] as const;
  if (new Float32Array(readFileSync(file).buffer, byteSize)[7] !== -7) {
    throw new Error('the output is not where it was asked for');
  }
  const [sent, copied, inPlace] = await compareRequestCost(
    `[${shape}] in and out over HTTP`,
    requests,
    { rounds: 9, roundRequests: 60 },
  );
  printVerdict(`${claim} to copies`, ratioOf(inPlace.cpuMilliseconds, copied.cpuMilliseconds), {
    atMost: 0.3,
  });
  printVerdict(
    `${claim} to sending the bytes`,
    ratioOf(inPlace.cpuMilliseconds, sent.cpuMilliseconds),
    { atMost: 0.3 },
  );
  client.close();
  await server.stop();
}

await main().finally(() => rmSync(file, { force: true }));
