// Asks `simple` one time after the other with one of the clients for Node. Prints `ready`; each line
// `COUNT` that it reads is answered by `done` after so many inferences.
// Usage: client-loop.mjs http|grpc|grpc-js HOST:PORT [FOLDER_OF_PROTO_FILES]
import { createInterface } from 'node:readline';
import { GrpcClient, HttpClient, tensor } from '@nereid/client';

const [kind, address, protos] = process.argv.slice(2);
const values = Int32Array.from({ length: 16 }, (_, i) => i);

function check(sum) {
  if (sum[15] !== 30) throw new Error(`a wrong answer: ${sum}`);
}

function ours(client) {
  return async () => {
    const inputs = {
      INPUT0: tensor('INT32', [1, 16], values),
      INPUT1: tensor('INT32', [1, 16], values),
    };
    check((await client.infer('simple', inputs)).output('OUTPUT0', 'INT32').data);
  };
}

async function grpcJs() {
  const { default: grpc } = await import('@grpc/grpc-js');
  const { default: loader } = await import('@grpc/proto-loader');
  const definition = loader.loadSync('grpc_service.proto', {
    includeDirs: [protos],
    keepCase: true,
  });
  const { GRPCInferenceService } = grpc.loadPackageDefinition(definition).inference;
  const client = new GRPCInferenceService(address, grpc.credentials.createInsecure());
  const data = Buffer.from(values.buffer);
  return () =>
    new Promise((resolve, reject) => {
      const request = {
        model_name: 'simple',
        inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
        raw_input_contents: [data, data],
      };
      client.ModelInfer(request, (error, answer) => {
        if (error) return reject(error);
        const at = answer.outputs.findIndex(({ name }) => name === 'OUTPUT0');
        const { buffer, byteOffset, length } = Buffer.from(answer.raw_output_contents[at]);
        check(new Int32Array(buffer.slice(byteOffset, byteOffset + length)));
        resolve();
      });
    });
}

const infer =
  kind === 'grpc-js'
    ? await grpcJs()
    : ours(kind === 'grpc' ? new GrpcClient(address) : new HttpClient(address));
for (let warmUp = 0; warmUp < 2000; warmUp += 1) await infer();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  for (let left = Number(line); left > 0; left -= 1) await infer();
  console.log('done');
}
