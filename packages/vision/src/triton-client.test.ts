import {
  type InferenceClient,
  InferenceError,
  type InferInputs,
  type InferOptions,
  InferResult,
  type Tensor,
  tensor,
} from '@nereid/client';
import { encodePicture, ManualClock } from '@nereid/test-kit';
import { beforeAll, describe, expect, it } from 'vitest';
import { TritonClient, type TritonClientOptions } from './triton-client.ts';
import { TritonConfig } from './triton-config.ts';
import { UnsupportedModelError } from './vision-error.ts';

const config = new TritonConfig({ enabled: true, model: 'm', maxRetries: 2 });
const away = new InferenceError('UNAVAILABLE', 'connect ECONNREFUSED', null);
let picture: Uint8Array;
beforeAll(async () => {
  picture = await encodePicture(new Uint8Array(64 * 32 * 3), 64, 32, 'png');
});

/** A server with one detector, which finds the same box in every picture. */
class FakeServer {
  readonly sent: string[] = [];
  /** What the next requests fail with. */
  readonly failures: Error[] = [];
  shape: readonly number[] = [-1, 3, 64, 64];
  inputs = 1;
  answer: readonly number[] = [1, 6];
  labelFile = 'labels.txt';

  #take<T>(what: string, answer: T): Promise<T> {
    this.sent.push(what);
    const failure = this.failures.shift();
    return failure === undefined ? Promise.resolve(answer) : Promise.reject(failure);
  }

  get client(): InferenceClient {
    const input = { name: 'images', datatype: 'FP32', shape: this.shape };
    const inputs = Array.from({ length: this.inputs }, () => input);
    const outputs = [{ name: 'output0', datatype: 'FP32', shape: [-1, ...this.answer] }];
    const config = {
      max_batch_size: 2,
      output: [{ name: 'output0', label_filename: this.labelFile }],
    };
    const client: Partial<InferenceClient> = {
      modelMetadata: () =>
        this.#take('metadata', {
          name: 'm',
          versions: ['1'],
          platform: '',
          inputs,
          outputs,
        } as never),
      modelConfig: () => this.#take('config', config as never),
      infer: ((_: string, given: InferInputs, options?: InferOptions) => {
        const named = typeof options?.outputs?.[0] === 'object';
        const count = (given['images'] as Tensor).shape[0] as number;
        return this.#take(named ? 'labels' : `infer ${count}`, resultOf(named, count));
      }) as InferenceClient['infer'],
      isServerReady: () => this.#take('ready', true),
      close: () => this.#take('close', undefined),
    };
    return client as InferenceClient;
  }
}

function resultOf(named: boolean, count: number): InferResult {
  const output = named
    ? tensor('BYTES', [1, 3], ['9.0:2:a cat: tame', '8.0:0:dog', '7.0:5'])
    : tensor('FP32', [count, 1, 6], Array(count).fill([16, 16, 48, 48, 0.75, 2]).flat());
  return new InferResult({
    modelName: 'm',
    modelVersion: '3',
    id: '',
    parameters: {},
    outputs: new Map([['output0', output]]),
  });
}

function clientOf(server: FakeServer, options: TritonClientOptions = {}): TritonClient {
  return new TritonClient(config, { client: server.client, ...options });
}

describe('TritonClient', () => {
  it('looks at a model once for all callers, then only infers', async () => {
    const server = new FakeServer();
    const client = clientOf(server);
    const [one] = await Promise.all([client.detect(picture), client.detect(picture)]);
    await client.detect(picture);
    expect(server.sent).toEqual(['metadata', 'config', 'labels', 'infer 1', 'infer 1', 'infer 1']);
    const box = { x: 16, y: 0, width: 32, height: 32 };
    expect(one?.detections).toEqual([
      { className: 'a cat: tame', classId: 2, confidence: 0.75, box },
    ]);
    expect(one).toMatchObject({ imageWidth: 64, imageHeight: 32, modelVersion: '3' });
  });

  it('names classes by numbers where there are no names, or as it is told', async () => {
    const server = new FakeServer();
    server.labelFile = '';
    expect((await clientOf(server).detect(picture)).detections[0]?.className).toBe('class_2');
    expect(server.sent).not.toContain('labels');
    const told = clientOf(new FakeServer(), { labels: ['a', 'b', 'c'] });
    expect((await told.detect(picture)).detections[0]?.className).toBe('c');
  });

  it('does without names when there are too many elements to ask for them', async () => {
    const server = new FakeServer();
    const tooLarge = new InferenceError(
      'INVALID_ARGUMENT',
      'classification output tensor too large',
      400,
    );
    const client = clientOf(server);
    server.failures.push(...([undefined, undefined, tooLarge] as Error[]));
    expect((await client.detect(picture)).detections[0]?.className).toBe('class_2');
  });

  it('sends full batches, and gives the results in order', async () => {
    const server = new FakeServer();
    const results = await clientOf(server).detectBatch(Array(5).fill(picture));
    expect(results).toHaveLength(5);
    expect(server.sent.slice(3).sort()).toEqual(['infer 1', 'infer 2', 'infer 2']);
  });

  it('sends again what failed on the way', async () => {
    const clock = new ManualClock();
    const server = new FakeServer();
    const client = clientOf(server, { clock, random: () => 0 });
    await client.detect(picture);
    server.sent.length = 0;
    server.failures.push(away, away);
    const detecting = client.detect(picture);
    while (server.sent.length < 3) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advanceMs(10);
    }
    const { detections, inferenceTimeMs } = await detecting;
    expect(detections).toHaveLength(1);
    // Half of 200 and of 400 ms, at the least.
    expect(inferenceTimeMs).toBeGreaterThanOrEqual(300);
  });

  it('looks at a model anew after an error that another form of it explains', async () => {
    const server = new FakeServer();
    const client = clientOf(server);
    await client.detect(picture);
    server.failures.push(new InferenceError('INVALID_ARGUMENT', 'unexpected shape for input', 400));
    await expect(client.detect(picture)).rejects.toThrow('unexpected shape');
    await client.detect(picture);
    expect(server.sent.filter((what) => what === 'metadata')).toHaveLength(2);
  });

  it('asks again for a model that it could not look at', async () => {
    const server = new FakeServer();
    const client = clientOf(server);
    server.failures.push(new InferenceError('NOT_FOUND', 'unknown model', 404));
    await expect(client.detect(picture)).rejects.toThrow('unknown model');
    expect((await client.detect(picture)).detections).toHaveLength(1);
  });

  it.each<[string, Partial<FakeServer>, RegExp]>([
    [
      'two inputs',
      { inputs: 2 },
      /takes 'images' FP32 .*'images' FP32 .*: a detector takes one picture/u,
    ],
    ['no colours', { shape: [-1, 1, 64, 64] }, /three colours are expected/u],
    [
      'another answer',
      { answer: [1, 2, 3] },
      /gives 'output0' FP32 \[-1,1,2,3\]: a detector gives/u,
    ],
  ])('says why a model is none for pictures: %s', async (_, change, reason) => {
    const client = clientOf(Object.assign(new FakeServer(), change));
    await expect(client.detect(picture)).rejects.toThrow(UnsupportedModelError);
    await expect(client.detect(picture)).rejects.toThrow(reason);
  });

  it('is not healthy when the server cannot be reached', async () => {
    const server = new FakeServer();
    server.failures.push(away);
    const client = clientOf(server);
    expect(await client.isHealthy()).toBe(false);
    expect(await client.isHealthy()).toBe(true);
  });
});
