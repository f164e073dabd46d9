// Asks `simple` one time after the other with one of the clients for Node, as often as it is told.
// Usage: client-loop.mjs http|grpc|grpc-js HOST:PORT [FOLDER_OF_PROTO_FILES]
import { tensor } from '@nereid/client';
import { grpcJsInference, ourClient, serveCounts } from './counted-loop.mjs';

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

function grpcJs() {
  const data = Buffer.from(values.buffer);
  return grpcJsInference({
    address,
    protos,
    requestOf: () => ({
      model_name: 'simple',
      inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
      raw_input_contents: [data, data],
    }),
    check: ({ outputs, raw_output_contents }) => {
      const at = outputs.findIndex(({ name }) => name === 'OUTPUT0');
      const { buffer, byteOffset, length } = Buffer.from(raw_output_contents[at]);
      check(new Int32Array(buffer.slice(byteOffset, byteOffset + length)));
    },
  });
}

const infer = kind === 'grpc-js' ? await grpcJs() : ours(ourClient(kind, address));
await serveCounts(infer, 2000);
