import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { GrpcClient, tensor } from '@nereid/client';
import { decodeMessage, encodeMessage } from '@nereid/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, streams: boolean) => ({
  path: `/inference.GRPCInferenceService/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const service: ServiceDefinition = {
  ServerLive: method('ServerLive', false),
  ServerReady: method('ServerReady', false),
  ModelMetadata: method('ModelMetadata', false),
  ModelInfer: method('ModelInfer', false),
  ModelStreamInfer: method('ModelStreamInfer', true),
};

interface InferFields {
  readonly model_name: string;
  readonly id: string;
  readonly raw_input_contents: readonly Uint8Array[];
}

/** The answer to a request with one input: the same as output. */
function echo(request: Buffer): object {
  const { model_name, id, raw_input_contents } = decodeMessage<InferFields>(
    'inference.ModelInferRequest',
    request,
  );
  const byteLength = raw_input_contents[0]?.length ?? 0;
  const outputs = [{ name: 'O', datatype: 'UINT8', shape: [byteLength] }];
  return { model_name, id, outputs, raw_output_contents: raw_input_contents };
}

const live: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
  const fields = { live: call.metadata.get('x-tenant')[0] === 'blue' };
  answer(null, Buffer.from(encodeMessage('inference.ServerLiveResponse', fields)));
};
const never: handleUnaryCall<Buffer, Buffer> = () => {};
const fail: handleUnaryCall<Buffer, Buffer> = (_, answer) => {
  answer({ code: 5, details: 'no such model: é 100%' });
};
const infer: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
  answer(null, Buffer.from(encodeMessage('inference.ModelInferResponse', echo(call.request))));
};
const stream: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (request: Buffer) => {
    const fields = { infer_response: echo(request) };
    call.write(Buffer.from(encodeMessage('inference.ModelStreamInferResponse', fields)));
  });
  call.on('end', () => call.end());
};

let server: Server;
let client: GrpcClient;

beforeAll(async () => {
  server = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_concurrent_streams': 3,
    // Connections end all the time, with GOAWAY.
    'grpc.max_connection_age_ms': 200,
    'grpc.default_compression_algorithm': 2,
  });
  server.addService(service, {
    ServerLive: live,
    ServerReady: never,
    ModelMetadata: fail,
    ModelInfer: infer,
    ModelStreamInfer: stream,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  client = new GrpcClient(`127.0.0.1:${port}`, { headers: { 'x-tenant': 'blue' } });
});
afterAll(async () => {
  await client.close();
  server.forceShutdown();
});

describe('the client with a server of grpc-js', () => {
  it('loses no call, though connections end and few calls may be open', async () => {
    const outcomes = new Set<boolean>();
    const began = performance.now();
    while (performance.now() - began < 500) {
      for (const is of await Promise.all(Array.from({ length: 20 }, () => client.isServerLive()))) {
        outcomes.add(is);
      }
    }
    expect([...outcomes]).toEqual([true]);
  });

  it.each([undefined, 'gzip'] as const)(
    'carries small and large messages, compressed %s',
    async (how) => {
      for (const byteLength of [0, 1, 65_536, 5_000_000]) {
        const data = Uint8Array.from({ length: byteLength }, (_, i) => i * 7);
        const inputs = { I: tensor('UINT8', [byteLength], data) };
        const options = how === undefined ? {} : { requestCompression: how };
        const output = (await client.infer('m', inputs, options)).output('O', 'UINT8');
        expect(Buffer.from(output.data).equals(data)).toBe(true);
      }
    },
  );

  it('carries a stream', async () => {
    const calls = await client.openStream();
    for (let id = 0; id < 50; id++) {
      await calls.send(
        'm',
        { I: tensor('UINT8', [1000], new Uint8Array(1000)) },
        { id: String(id) },
      );
    }
    calls.end();
    const ids: string[] = [];
    for await (const { result } of calls) ids.push(result?.id ?? '');
    expect(ids).toEqual(Array.from({ length: 50 }, (_, id) => String(id)));
  });

  it('tells errors in their own words, and deadlines', async () => {
    await expect(client.modelMetadata('m')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'no such model: é 100%',
    });
    await expect(client.isServerReady({ timeoutMs: 30 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });
});
