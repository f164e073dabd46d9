import { join } from 'node:path';
import {
  type DataType,
  GrpcClient,
  GrpcWebClient,
  HttpClient,
  type InferenceClient,
  type Tensor,
  tensor,
} from '@nereid/client';
import { ServerProcess, TritonProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { ensureTritonPeer } from '../../tools/triton-peer.mjs';
import { checkout } from './checkout.ts';
import { ourAnswer, pythonAnswers, roundTrips } from './round-trips.ts';
import { runCommand } from './run-command.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

/** Data types that numpy has; those of one tensor differ enough to show a mistake in their order. */
const samples = {
  BOOL: tensor('BOOL', [1, 2], [true, false]),
  UINT8: tensor('UINT8', [1, 2], [0, 255]),
  UINT16: tensor('UINT16', [1, 2], [1, 65_535]),
  UINT32: tensor('UINT32', [1, 2], [1, 4_294_967_295]),
  UINT64: tensor('UINT64', [1, 2], [1n, 2n ** 64n - 1n]),
  INT8: tensor('INT8', [1, 2], [-128, 127]),
  INT16: tensor('INT16', [1, 2], [-32_768, 32_767]),
  INT32: tensor('INT32', [1, 2], [-(2 ** 31), 2 ** 31 - 1]),
  INT64: tensor('INT64', [1, 2], [-(2n ** 63n), 2n ** 63n - 1n]),
  FP16: tensor('FP16', [1, 2], [-1.5, 65_504]),
  FP32: tensor('FP32', [1, 2], [Math.fround(0.1), -3.5]),
  FP64: tensor('FP64', [1, 2], [0.1, -1e300]),
  BYTES: tensor('BYTES', [1, 2], ['é"', 'b']),
} as const;
const datatypes = Object.keys(samples) as (keyof typeof samples)[];

/** Gives back each input that it is given, under the output of the same data type. */
const echo = `import triton_python_backend_utils as pb_utils

DATATYPES = "${datatypes.join(' ')}".split()

class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            outputs = []
            for datatype in DATATYPES:
                tensor = pb_utils.get_input_tensor_by_name(request, "INPUT_" + datatype)
                if tensor is not None:
                    outputs.append(pb_utils.Tensor("OUTPUT_" + datatype, tensor.as_numpy()))
            responses.append(pb_utils.InferenceResponse(outputs))
        return responses
`;
const countDown = `import numpy
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            start = int(pb_utils.get_input_tensor_by_name(request, "INPUT0").as_numpy()[0])
            for value in range(start, 0, -1):
                tensor = pb_utils.Tensor("OUTPUT0", numpy.array([value], numpy.int32))
                sender.send(pb_utils.InferenceResponse([tensor]))
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;

function tensorConfig(name: string, datatype: DataType, more = ''): string {
  const type = datatype === 'BYTES' ? 'STRING' : datatype;
  return `{ name: "${name}" data_type: TYPE_${type} dims: [ -1 ] ${more} }`;
}

const files: Record<string, string> = {
  'echo/config.pbtxt': `backend: "python"
max_batch_size: 4
input [ ${datatypes.map((type) => tensorConfig(`INPUT_${type}`, type, 'optional: true')).join(', ')} ]
output [ ${datatypes.map((type) => tensorConfig(`OUTPUT_${type}`, type)).join(', ')} ]
instance_group [ { kind: KIND_CPU } ]
`,
  'echo/1/model.py': echo,
  'count_down/config.pbtxt': `backend: "python"
input [ ${tensorConfig('INPUT0', 'INT32')} ]
output [ ${tensorConfig('OUTPUT0', 'INT32')} ]
instance_group [ { kind: KIND_CPU } ]
model_transaction_policy { decoupled: true }
`,
  'count_down/1/model.py': countDown,
};

interface Served {
  /** What Triton's own client gets of each round trip. */
  readonly python: Awaited<ReturnType<typeof pythonAnswers>>;
  /** Of HTTP and of gRPC. */
  readonly urls: readonly string[];
  readonly http: HttpClient;
  readonly grpc: GrpcClient;
  /** For Nereid alone: Triton would need a proxy. */
  readonly web: GrpcWebClient;
  readonly stop: () => Promise<unknown>;
}

const trips = roundTrips(samples);
const peer = ensureTritonPeer();
let repository: TemporaryRepository;
let servers: Record<'nereid' | 'triton', Served>;

async function clientsOf(server: {
  port: number;
  grpcPort: number | null;
  stop(): Promise<unknown>;
}): Promise<Served> {
  return {
    python: await pythonAnswers(trips, server.port, server.grpcPort as number),
    urls: [`http://127.0.0.1:${server.port}`, `grpc://127.0.0.1:${server.grpcPort}`],
    http: new HttpClient(`127.0.0.1:${server.port}`),
    grpc: new GrpcClient(`127.0.0.1:${server.grpcPort}`),
    web: new GrpcWebClient(`http://127.0.0.1:${server.port}`),
    stop: () => server.stop(),
  };
}

describe.skipIf(!peer.available)('the client, beside a real Triton', () => {
  beforeAll(async () => {
    if (!peer.available) return;
    repository = temporaryRepository(files);
    const flags = [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=*',
    ];
    const python = `--backend-config=python,python-runtime=${ensurePythonEnv()}`;
    const [nereid, triton] = await Promise.all([
      ServerProcess.start({ flags: [...flags, python], startMs: 120_000 }),
      TritonProcess.start(peer, flags),
    ]);
    const [ours, theirs] = await Promise.all([clientsOf(nereid), clientsOf(triton)]);
    servers = { nereid: ours, triton: theirs };
  });
  afterAll(async () => {
    for (const { http, grpc, stop } of Object.values(servers ?? {})) {
      await http.close();
      await grpc.close();
      await stop();
    }
    repository?.remove();
  });

  /** Asks both servers over all protocols that they speak, and expects the same of all. */
  async function sameOfAll<T>(ask: (client: InferenceClient) => Promise<T>): Promise<T> {
    const { nereid, triton } = servers;
    const expected = await ask(triton.http);
    for (const client of [triton.grpc, nereid.http, nereid.grpc, nereid.web]) {
      expect(await ask(client)).toEqual(expected);
    }
    return expected;
  }

  it.each(datatypes)('gets the same %s', async (datatype) => {
    const sent: Tensor = samples[datatype];
    const output = await sameOfAll(async (client) => {
      const result = await client.infer('echo', { [`INPUT_${datatype}`]: sent }, { id: 'x' });
      const { shape, data } = result.output(`OUTPUT_${datatype}`, datatype);
      return { id: result.id, version: result.modelVersion, shape, data };
    });
    expect(output).toEqual({ id: 'x', version: '1', shape: [1, 2], data: sent.data });
  });

  it.each(trips)("gets what Triton's own client gets: $name", async (trip) => {
    for (const { python, http, grpc } of Object.values(servers)) {
      const { [trip.name]: expected } = python;
      expect({
        http: await ourAnswer(http, trip),
        grpc: await ourAnswer(grpc, trip),
      }).toEqual(expected);
    }
    expect(servers.nereid.python[trip.name]).toEqual(servers.triton.python[trip.name]);
  });

  it('gets the same for each option', async () => {
    const inputs = { INPUT_FP32: samples.FP32 };
    const classes = await sameOfAll(async (client) => {
      const options = { outputs: [{ name: 'OUTPUT_FP32', classCount: 1 }], priority: 1 };
      return (await client.infer('echo', inputs, options)).output('OUTPUT_FP32').strings();
    });
    expect(classes).toEqual(['0.100000:0']);
    for (const compression of ['gzip', 'deflate'] as const) {
      await sameOfAll(async (client) => {
        const options = { requestCompression: compression, responseCompression: compression };
        return (await client.infer('echo', inputs, options)).output('OUTPUT_FP32').data;
      });
    }
  });

  it('is told the same of models', async () => {
    const metadata = await sameOfAll((client) => client.modelMetadata('count_down'));
    expect(metadata.inputs).toEqual([{ name: 'INPUT0', datatype: 'INT32', shape: [-1] }]);
    await sameOfAll((client) => client.repositoryIndex());
    await sameOfAll((client) => client.isModelReady('nowhere'));
    await sameOfAll(async (client) => (await client.modelConfig('echo')).max_batch_size);
  });

  it.each([
    ['nowhere', { INPUT0: samples.INT32 }],
    ['echo', { INPUT_INT32: samples.FP32 }],
    ['echo', { OTHER: samples.INT32 }],
    ['echo', { INPUT_INT32: tensor('INT32', [9, 1], new Int32Array(9)) }],
  ])('is refused in the same words: %s', async (model, inputs) => {
    const text = await sameOfAll(async (client) => {
      const error = await client.infer(model, inputs).then(
        () => null,
        (reason: Error) => reason,
      );
      return error?.message.replace(/^\[request id: <id_unknown>\] /u, '');
    });
    expect(text).toMatch(/\w/u);
  });

  it('is written the same types of', async () => {
    const command = join(checkout, 'packages', 'server', 'bin', 'nereid.js');
    const written = [];
    for (const url of [...servers.triton.urls, ...servers.nereid.urls]) {
      const end = await runCommand('node', [command, 'types', '--all', '--url', url]);
      expect(end.status, end.output).toBe(0);
      written.push(end.output);
    }
    expect(written[0]).toContain("readonly INPUT_FP16?: TensorOf<'FP16', [-1, -1]>;");
    expect(new Set(written).size).toBe(1);
  });

  it('unloads and loads', async () => {
    for (const { http, grpc } of Object.values(servers)) {
      for (const client of [http, grpc]) {
        await client.unloadModel('count_down');
        await expect.poll(() => client.isModelReady('count_down')).toBe(false);
        await client.loadModel('count_down');
        expect(await client.isModelReady('count_down')).toBe(true);
      }
    }
  });

  it('iterates over the answers of a decoupled model', async () => {
    for (const { grpc } of Object.values(servers)) {
      const seen: number[] = [];
      const inputs = { INPUT0: tensor('INT32', [1], [3]) };
      for await (const result of grpc.inferStream('count_down', inputs)) {
        seen.push(...result.output('OUTPUT0', 'INT32').data);
      }
      expect(seen).toEqual([3, 2, 1]);
    }
  });
});
