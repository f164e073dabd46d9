// Our own handler of gRPC calls behind grpc-js: what is measured against it differs in the transport
// alone. Prints its port. Usage: grpc-js-infer.ts MODEL_REPOSITORY
import { Server as GrpcJsServer, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import type { GrpcCall, GrpcUnaryMethod } from '@nereid/transport';
import { parseOptions } from '../../packages/server/src/options/parse-options.ts';
import { Server } from '../../packages/server/src/server.ts';

const path = '/inference.GRPCInferenceService/ModelInfer';
const parsed = parseOptions(
  [
    `--model-repository=${process.argv[2]}`,
    ...['--http-port=0', '--grpc-port=0', '--allow-metrics=false', '--log-info=false'],
  ],
  {},
);
if (parsed.kind !== 'run') throw new Error('bad options');
const nereid = new Server(parsed.options);
await nereid.start();
const method = nereid.grpcHandler.find(path) as GrpcUnaryMethod;

const call: GrpcCall = {
  path,
  metadata: () => null,
  metadataEntries: () => [],
  deadlineNs: null,
  cancelled: false,
  onCancelled: () => {},
  peer: '',
};

function handle({ request }: { request: Buffer }, answer: sendUnaryData<Buffer>): void {
  method.handle(call, request, {
    start: () => {},
    compress: () => {},
    send: (parts) => answer(null, parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)),
    fail: (code, details) => answer({ code, details }),
  });
}

const same = (bytes: Buffer): Buffer => bytes;
const server = new GrpcJsServer();
server.addService(
  {
    ModelInfer: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  { ModelInfer: handle },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(port);
});
