// What the clients of `bench/client` do when they are asked: their one inference, so many times.
import { createInterface } from 'node:readline';
import { GrpcClient, HttpClient } from '@nereid/client';

/** One of our clients, by the name of its protocol. */
export function ourClient(kind, address) {
  return kind === 'grpc' ? new GrpcClient(address) : new HttpClient(address);
}

/**
 * grpc-js with proto-loader. `requestOf` makes the message of one inference and `check` looks at its answer; both
 * count. Gives the inference.
 */
export async function grpcJsInference({ address, protos, requestOf, check }) {
  const { default: grpc } = await import('@grpc/grpc-js');
  const { default: loader } = await import('@grpc/proto-loader');
  const definition = loader.loadSync('grpc_service.proto', {
    includeDirs: [protos],
    keepCase: true,
  });
  const { GRPCInferenceService } = grpc.loadPackageDefinition(definition).inference;
  const client = new GRPCInferenceService(address, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  return () =>
    new Promise((resolve, reject) => {
      client.ModelInfer(requestOf(), (error, answer) => {
        if (error) return reject(error);
        check(answer);
        resolve();
      });
    });
}

/** Prints `ready` after the warm-up; each line `COUNT` that it reads is answered by `done` after so many inferences. */
export async function serveCounts(infer, warmUpCount) {
  for (let warmUp = 0; warmUp < warmUpCount; warmUp += 1) await infer();
  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    for (let left = Number(line); left > 0; left -= 1) await infer();
    console.log('done');
  }
}
