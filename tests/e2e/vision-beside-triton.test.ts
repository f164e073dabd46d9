import {
  encodePicture,
  type PictureShape,
  ServerProcess,
  shapePicture,
  TritonProcess,
} from '@nereid/test-kit';
import { TritonClient, TritonConfig, type TritonProtocol } from '@nereid/vision';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { ensureTritonPeer } from '../../tools/triton-peer.mjs';
import { labels } from './detector-repository.ts';
import { runPytest } from './run-python.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';
import { type InstalledVision, installVision } from './vision-package.ts';

/** A detector that both servers can run: one box around all that is of a colour, as finished rows. */
const model = `import numpy
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            images = pb_utils.get_input_tensor_by_name(request, "images").as_numpy()
            rows = numpy.zeros((len(images), 300, 6), numpy.float32)
            for i, image in enumerate(images):
                for colour in range(3):
                    others = [other for other in range(3) if other != colour]
                    y, x = numpy.nonzero(image[colour] - image[others].max(axis=0) > 0.3)
                    if len(x) > 0:
                        box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
                        rows[i, colour] = [*box, 0.9, colour]
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("output0", rows)]))
        return responses
`;

const config = `backend: "python"
max_batch_size: 8
input [ { name: "images" data_type: TYPE_FP32 dims: [ 3, 640, 640 ] } ]
output [ { name: "output0" data_type: TYPE_FP32 dims: [ 300, 6 ] label_filename: "labels.txt" } ]
instance_group [ { kind: KIND_CPU } ]
dynamic_batching { preferred_batch_size: [ 2, 4, 8 ] }
`;

const shapes: readonly PictureShape[] = [
  { colour: 'red', form: 'rectangle', x: 60, y: 70, width: 240, height: 120 },
  { colour: 'blue', form: 'disc', x: 90, y: 290, width: 220, height: 180 },
];

interface Served {
  readonly port: number;
  readonly grpcPort: number | null;
  readonly stop: () => Promise<unknown>;
}

const peer = ensureTritonPeer();
let repository: TemporaryRepository;
let vision: InstalledVision;
let picture: Uint8Array;
const servers: Record<string, Served> = {};

describe.skipIf(!peer.available)('detection, beside a real Triton', () => {
  beforeAll(async () => {
    if (!peer.available) return;
    repository = temporaryRepository({
      'yolo26/config.pbtxt': config,
      'yolo26/labels.txt': labels,
      'yolo26/1/model.py': model,
    });
    const flags = [`--model-repository=${repository.path}`, '--strict-model-config=false'];
    const python = `--backend-config=python,python-runtime=${ensurePythonEnv()}`;
    servers['nereid'] = await ServerProcess.start({ flags: [...flags, python], startMs: 120_000 });
    servers['triton'] = await TritonProcess.start(peer, flags);
    vision = await installVision();
    const pixels = shapePicture(960, 540, shapes);
    picture = await encodePicture(pixels, 960, 540, 'jpeg');
  });
  afterAll(async () => {
    for (const server of Object.values(servers)) await server.stop();
    vision?.remove();
    repository?.remove();
  });

  const environmentOf = (name: string): Record<string, string> => ({
    TRITON_ENABLED: 'true',
    TRITON_URL: `127.0.0.1:${servers[name]?.grpcPort}`,
    TRITON_HTTP_URL: `127.0.0.1:${servers[name]?.port}`,
  });

  /** What a client makes of a server, without what is of the moment. */
  async function seenOf(name: string, protocol: TritonProtocol): Promise<unknown> {
    const environment = { ...environmentOf(name), TRITON_PROTOCOL: protocol };
    const client = new TritonClient(TritonConfig.fromEnv(environment));
    try {
      const healthy = await client.isHealthy();
      const results = await client.detectBatch([picture, picture, picture]);
      const unknown = await client
        .detect(picture, { model: 'none' })
        .catch(({ message }) => message);
      const [statistics] = await client.statistics();
      return {
        healthy,
        results: results.map(({ inferenceTimeMs, ...rest }) => rest),
        unknown,
        status: await client.modelStatus(),
        other: await client.modelStatus('none'),
        statistics: Object.keys(statistics ?? {}).includes('inference_count'),
      };
    } finally {
      await client.close();
    }
  }

  it('sees the same in TypeScript', async () => {
    const seen = await seenOf('triton', 'grpc');
    expect(seen).toMatchObject({ healthy: true, statistics: true });
    expect(JSON.stringify(seen)).toMatch(/"className":"red".*"className":"blue"/u);
    for (const [name, protocol] of [
      ['triton', 'http'],
      ['nereid', 'grpc'],
      ['nereid', 'http'],
    ] as const) {
      expect(await seenOf(name, protocol), `${name} over ${protocol}`).toEqual(seen);
    }
  });

  it('passes the same tests in Python', async () => {
    const environment = { PYTHONPATH: vision.folder, VISION_MODELS: 'yolo26' };
    const end = await runPytest('test_vision.py', { ...environmentOf('triton'), ...environment });
    expect(end).toMatch(/^8 passed/u);
  });
});
