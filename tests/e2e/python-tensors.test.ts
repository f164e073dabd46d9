import { GrpcClient, HttpClient, tensor } from '@nereid/client';
import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';

/** Keeps arrays beyond its requests, and says how many of them have changed since. */
const keeping = `import numpy as np
import triton_python_backend_utils as pb_utils

kept = []


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            x = request.inputs()[0].as_numpy()
            kept.append((x, x[0].item()))
            del kept[:-6]
            changed = sum(not (array == value).all() for array, value in kept)
            y = np.array([changed, len(kept)], dtype=np.int32)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("Y", y)]))
        return responses
`;

/** Answers with the input of the request before. */
const late = `import triton_python_backend_utils as pb_utils

last = []


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            last.append(request.inputs()[0].as_numpy())
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("Y", last[0])]))
            del last[:-1]
        return responses
`;

const models: Record<string, string> = {
  same: pythonModel('y = x'),
  passed: pythonModel(
    'responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)])); continue',
  ),
  part: pythonModel('y = x[1000:-1000]'),
  sparse: pythonModel('y = x[::2]'),
  grown: pythonModel('y = np.tile(x, 1 + x[0] % 3)'),
  in_place: pythonModel('x *= 2'),
  keeping,
  late,
  calling: pythonModel(
    `out = pb_utils.InferenceRequest(model_name="in_place", requested_output_names=["Y"], inputs=[pb_utils.Tensor("X", x)]).exec()
y = pb_utils.get_output_tensor_by_name(out, "Y").as_numpy() + x`,
  ),
  dying: pythonModel('if x[0] == 7: os._exit(9)'),
};

const step = (model: string, from: string, to: string): string =>
  `{ model_name: "${model}" model_version: -1 input_map { key: "X" value: "${from}" } output_map { key: "Y" value: "${to}" } }`;
const vector = (name: string): string => `{ name: "${name}" data_type: TYPE_INT32 dims: [ -1 ] }`;
/** Two steps get the same tensor, and each writes to it; a third gets what one made. */
const fan = `platform: "ensemble"
input [ ${vector('X')} ]
output [ ${['A', 'B', 'C'].map(vector).join(', ')} ]
ensemble_scheduling { step [ ${[
  step('in_place', 'X', 'A'),
  step('in_place', 'X', 'B'),
  step('in_place', 'A', 'C'),
].join(', ')} ] }`;

/** Each tensor has one reader. */
const chain = `platform: "ensemble"
input [ ${vector('X')} ]
output [ ${vector('Y')} ]
ensemble_scheduling { step [ ${[
  step('same', 'X', 'A'),
  step('in_place', 'A', 'B'),
  step('part', 'B', 'Y'),
].join(', ')} ] }`;

const repository = temporaryRepository({
  ...modelFiles(models, (code) => ({ 'config.pbtxt': pythonConfig(), '1/model.py': code })),
  'batched/config.pbtxt': `${pythonConfig('dynamic_batching { max_queue_delay_microseconds: 20000 }').replace('max_batch_size: 0', 'max_batch_size: 8')}`,
  'batched/1/model.py': pythonModel('y = x + 1'),
  'fan/config.pbtxt': fan,
  'fan/1/': '',
  'chain/config.pbtxt': chain,
  'chain/1/': '',
});
let server: ServerProcess;

/** In turn: through the socket, small and large shared memory, more than is copied at once. */
const counts = [10, 20_000, 100_000, 1_000_000, 4_300_000];
type Client = HttpClient | GrpcClient;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
});

afterAll(async () => {
  await server.stop();
  repository.remove();
});

function openClients(): Client[] {
  const grpc = (): Client => new GrpcClient(`127.0.0.1:${server.grpcPort}`);
  return [new HttpClient(server.url), grpc(), new HttpClient(server.url), grpc()];
}

/** Counts up from a number of its own. */
function numbers(count: number, first: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: count }, (_, index) => first + index);
}

async function infer(
  client: Client,
  model: string,
  x: Int32Array<ArrayBuffer>,
  output = 'Y',
  shape = [x.length],
): Promise<Int32Array> {
  const result = await client.infer(model, { X: tensor('INT32', shape, x) });
  return result.output(output, 'INT32').data;
}

function expectSame(found: Int32Array, expected: Int32Array): void {
  expect(Buffer.compare(bytesOf(found), bytesOf(expected))).toBe(0);
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** All clients at once, each with numbers of its own. */
async function everybody(
  rounds: number,
  task: (client: Client, count: number, first: number) => Promise<void>,
): Promise<void> {
  const clients = openClients();
  await Promise.all(
    clients.map(async (client, number) => {
      for (let round = 0; round < rounds; round++) {
        const count = counts[(round + number) % counts.length] as number;
        await task(client, count, 1000 * number + 7 * round);
      }
      await client.close();
    }),
  );
}

describe('tensors of Python models', () => {
  it.each(['same', 'passed'])('are given back (%s)', async (model) => {
    await everybody(10, async (client, count, first) => {
      const x = numbers(count, first);
      expectSame(await infer(client, model, x), x);
    });
  });

  it('may be parts of others', async () => {
    await everybody(5, async (client, count, first) => {
      const x = numbers(count + 5000, first);
      expectSame(await infer(client, 'part', x), x.subarray(1000, -1000));
      expectSame(
        await infer(client, 'sparse', x),
        x.filter((_, index) => index % 2 === 0),
      );
    });
  });

  it('may be handed from step to step', async () => {
    await everybody(10, async (client, count, first) => {
      const x = numbers(count + 5000, first);
      expectSame(
        await infer(client, 'chain', x),
        x.subarray(1000, -1000).map((value) => value * 2),
      );
    });
  });

  it('may be larger or smaller than those before', async () => {
    await everybody(5, async (client, count, first) => {
      const x = numbers(Math.min(count, 1_000_000), first);
      const tiled = Array.from({ length: 1 + (first % 3) }, () => bytesOf(x));
      const y = await infer(client, 'grown', x);
      expect(Buffer.compare(bytesOf(y), Buffer.concat(tiled))).toBe(0);
    });
  });

  it('stay as they are while the model keeps them', async () => {
    await everybody(8, async (client, count, first) => {
      const y = await infer(client, 'keeping', new Int32Array(count).fill(first));
      expect(y[0]).toBe(0);
    });
  });

  it('may be answered with after their request', async () => {
    const [client] = openClients() as [Client];
    let before = numbers(300_000, 1);
    await infer(client, 'late', before);
    for (let round = 2; round < 8; round++) {
      const x = numbers(300_000, round);
      expectSame(await infer(client, 'late', x), before);
      before = x;
    }
    await client.close();
  });

  it('may be written to, and no other step or caller sees it', async () => {
    await everybody(5, async (client, count, first) => {
      const x = numbers(Math.min(count, 1_000_000), first);
      const twice = x.map((value) => value * 2);
      expectSame(await infer(client, 'in_place', x), twice);
      expectSame(
        await infer(client, 'calling', x),
        x.map((value) => value * 3),
      );
      const result = await client.infer('fan', { X: tensor('INT32', [x.length], x) });
      expectSame(result.output('A', 'INT32').data, twice);
      expectSame(result.output('B', 'INT32').data, twice);
      expectSame(
        result.output('C', 'INT32').data,
        x.map((value) => value * 4),
      );
    });
  });

  it('are right where requests are executed together', async () => {
    await everybody(10, async (client, _, first) => {
      const x = numbers(100_000, first);
      const y = await infer(client, 'batched', x, 'Y', [1, x.length]);
      expectSame(
        y,
        x.map((value) => value + 1),
      );
    });
  });

  it('are right after a worker has died with some of them', async () => {
    const [client] = openClients() as [Client];
    for (let round = 0; round < 3; round++) {
      const x = numbers(300_000, 7);
      await expect(infer(client, 'dying', x)).rejects.toThrow('Stub process');
      await eventually(() =>
        infer(client, 'dying', numbers(10, 1)).then(
          () => true,
          () => false,
        ),
      );
      const sound = numbers(300_000, 8);
      expectSame(await infer(client, 'dying', sound), sound);
    }
    await client.close();
  });
});
