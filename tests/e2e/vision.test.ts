import {
  type EncodePictureOptions,
  encodePicture,
  type PictureEncoding,
  type PictureShape,
  ServerProcess,
  shapePicture,
} from '@nereid/test-kit';
import {
  type BoundingBox,
  type DetectionResult,
  detectionAgreement,
  Rollout,
  TritonClient,
  TritonConfig,
  type TritonProtocol,
} from '@nereid/vision';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectorFiles } from './detector-repository.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const width = 960;
const height = 540;
const shapes: readonly PictureShape[] = [
  { colour: 'red', form: 'rectangle', x: 60, y: 70, width: 240, height: 120 },
  { colour: 'red', form: 'disc', x: 500, y: 300, width: 150, height: 150 },
  { colour: 'green', form: 'rectangle', x: 700, y: 40, width: 110, height: 300 },
  { colour: 'blue', form: 'disc', x: 90, y: 290, width: 220, height: 180 },
];
const pixels = shapePicture(width, height, shapes);

const detectors = {
  yolo26: { head: 'end-to-end' },
  yolo11: { head: 'raw' },
  half: { head: 'raw', inputType: 'FLOAT16' },
  bytes: { head: 'end-to-end', inputType: 'UINT8', layout: 'NHWC' },
  static_one: { head: 'end-to-end', batch: 1 },
  static_two: { head: 'raw', batch: 2 },
} as const;

let repository: TemporaryRepository;
let server: ServerProcess;
const clients: TritonClient[] = [];

beforeAll(async () => {
  const files = Object.entries(detectors).map(([name, options]) => detectorFiles(name, options));
  repository = temporaryRepository(Object.assign({}, ...files));
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, '--strict-model-config=false'],
  });
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await server?.stop();
  repository?.remove();
});

function clientOf(
  protocol: TritonProtocol,
  environment: Record<string, string> = {},
): TritonClient {
  const config = TritonConfig.fromEnv({
    TRITON_ENABLED: 'true',
    TRITON_URL: `127.0.0.1:${server.grpcPort}`,
    TRITON_HTTP_URL: server.url,
    TRITON_PROTOCOL: protocol,
    ...environment,
  });
  const client = new TritonClient(config);
  clients.push(client);
  return client;
}

function overlap(a: BoundingBox, b: BoundingBox): number {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const common = Math.max(0, across) * Math.max(0, down);
  return common / (a.width * a.height + b.width * b.height - common);
}

/** Each shape was found once, by its name and at its place, and nothing else. */
function expectShapes(result: DetectionResult | undefined, wanted: readonly PictureShape[]): void {
  const { detections } = result as DetectionResult;
  const names = detections.map(({ className }) => className).sort();
  expect(names).toEqual(wanted.map(({ colour }) => colour).sort());
  for (const shape of wanted) {
    const overlaps = detections
      .filter(({ className }) => className === shape.colour)
      .map(({ box }) => overlap(box, shape));
    expect(Math.max(...overlaps), JSON.stringify(detections)).toBeGreaterThan(0.85);
  }
  for (const { confidence } of detections) expect(confidence).toBeGreaterThan(0.8);
}

describe.each(['grpc', 'http'] as const)('TritonClient over %s', (protocol) => {
  // How data types travel is the protocol's business, all else the same for both.
  const models = protocol === 'grpc' ? Object.keys(detectors) : ['yolo26', 'half', 'bytes'];
  it.each(models)('finds shapes with %s', async (model) => {
    const client = clientOf(protocol, { TRITON_MODEL: model });
    const result = await client.detect(await encodePicture(pixels, width, height, 'jpeg'));
    expectShapes(result, shapes);
    expect(result).toMatchObject({
      imageWidth: width,
      imageHeight: height,
      modelName: model,
      modelVersion: '1',
    });
    expect(result.inferenceTimeMs).toBeGreaterThan(0);
  });

  it('tells of the server and the model', async () => {
    const client = clientOf(protocol);
    expect(await client.isHealthy()).toBe(true);
    const versions = [{ version: '1', state: 'READY', reason: '' }];
    expect(await client.modelStatus()).toEqual({ model: 'yolo26', ready: true, versions });
    expect(await client.modelStatus('none')).toEqual({ model: 'none', ready: false, versions: [] });
    const [before] = await client.statistics();
    await client.detect(await encodePicture(pixels, width, height, 'png'));
    const [after] = await client.statistics();
    expect(after?.name).toBe('yolo26');
    expect(after?.inference_count).toBeGreaterThan(before?.inference_count as number);
    expect(await client.statistics(null)).toHaveLength(Object.keys(detectors).length);
  });

  it('detects in batches as large as the model takes', async () => {
    const client = clientOf(protocol);
    const images = await Promise.all(
      Array.from({ length: 5 }, (_, i) => {
        const some = shapePicture(width, height, shapes.slice(0, i));
        return encodePicture(some, width, height, 'png');
      }),
    );
    for (const [model, count] of [
      ['yolo26', 9],
      ['static_one', 2],
      ['static_two', 3],
    ] as const) {
      const many = Array.from({ length: count }, (_, i) => images[i % 5] as Uint8Array);
      const results = await client.detectBatch(many, { model });
      expect(results).toHaveLength(count);
      for (const [i, result] of results.entries()) expectShapes(result, shapes.slice(0, i % 5));
    }
    expect(await client.detectBatch([])).toEqual([]);
  });

  it('passes the errors of the server on, and asks anew afterwards', async () => {
    const client = clientOf(protocol, { TRITON_MODEL: 'none' });
    const picture = await encodePicture(pixels, width, height, 'png');
    await expect(client.detect(picture)).rejects.toThrow(
      /Request for unknown model: 'none' is not found/u,
    );
    expectShapes(await client.detect(picture, { model: 'yolo26' }), shapes);
  });
});

describe('TritonClient', () => {
  it('finds shapes in pictures of every kind', async () => {
    const kinds: readonly [PictureEncoding, EncodePictureOptions][] = [
      ['jpeg', {}],
      ['png', {}],
      ['webp', {}],
      ['png', { sixteenBits: true }],
      ['png', { alpha: true }],
      ['webp', { alpha: true }],
    ];
    const pictures = await Promise.all(
      kinds.map(([encoding, options]) => encodePicture(pixels, width, height, encoding, options)),
    );
    for (const result of await clientOf('grpc').detectBatch(pictures)) expectShapes(result, shapes);
  });

  it('finds them where they are seen: orientation applied', async () => {
    const picture = await encodePicture(pixels, width, height, 'jpeg', { orientation: 6 });
    const result = await clientOf('grpc').detect(picture);
    const turned = shapes.map((shape) => ({
      ...shape,
      x: height - shape.y - shape.height,
      y: shape.x,
      width: shape.height,
      height: shape.width,
    }));
    expect([result.imageWidth, result.imageHeight]).toEqual([height, width]);
    expectShapes(result, turned);
  });

  it('finds nothing in a grey picture', async () => {
    const picture = await encodePicture(pixels, width, height, 'jpeg', { grey: true });
    expect((await clientOf('http').detect(picture)).detections).toEqual([]);
  });

  it('leaves out what is below the threshold', async () => {
    const picture = await encodePicture(pixels, width, height, 'png');
    const client = clientOf('grpc', { TRITON_CONFIDENCE_THRESHOLD: '0.99' });
    expect((await client.detect(picture)).detections).toEqual([]);
    expectShapes(await client.detect(picture, { confidenceThreshold: 0.3 }), shapes);
  });

  it('says which picture of a batch cannot be read', async () => {
    const good = await encodePicture(pixels, width, height, 'png');
    const client = clientOf('grpc');
    await expect(client.detectBatch([good, Buffer.from('no picture')])).rejects.toThrow(
      'images[1]: the picture is neither a PNG nor a JPEG nor a WebP',
    );
  });

  it('does nothing unless it is enabled', async () => {
    const client = clientOf('grpc', { TRITON_ENABLED: 'false' });
    expect(await client.isHealthy()).toBe(false);
    await expect(client.detect(new Uint8Array())).rejects.toThrow('set TRITON_ENABLED=true');
  });

  it('is answered for by the old function while the server is away', async () => {
    const old = clientOf('http');
    const away = clientOf('grpc', { TRITON_URL: '127.0.0.1:9', TRITON_MAX_RETRIES: '1' });
    const picture = await encodePicture(pixels, width, height, 'png');
    expect(await away.isHealthy()).toBe(false);
    await expect(away.detect(picture)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const rollout = new Rollout({
      name: 'away',
      old: (image: Uint8Array) => old.detect(image),
      candidate: (image) => away.detect(image),
      percentage: 100,
      fallBack: { requestsMin: 2 },
    });
    for (let i = 0; i < 3; i++) expectShapes(await rollout.run(picture, 'camera'), shapes);
    expect(rollout.paused).toBe(true);
    expect(rollout.metrics()).toContain('nereid_rollout_fall_backs_total{rollout="away"} 2');
  });

  it('agrees with itself, over another protocol and beside a rollout', async () => {
    const [grpc, http] = [clientOf('grpc'), clientOf('http')];
    const rollout = new Rollout({
      name: 'same',
      old: (image: Uint8Array) => grpc.detect(image),
      candidate: (image) => http.detect(image, { model: 'yolo11' }),
      percentage: 100,
      shadow: true,
      compare: detectionAgreement,
    });
    expectShapes(await rollout.run(await encodePicture(pixels, width, height, 'jpeg')), shapes);
    await rollout.idle();
    expect(rollout.metrics()).toContain('comparisons_total{rollout="same",result="same"} 1');
  });

  it('ends', async () => {
    const client = clientOf('http');
    await client.close();
    expect(await client.isHealthy()).toBe(false);
    await expect(client.statistics()).rejects.toThrow('the client is closed');
  });
});
