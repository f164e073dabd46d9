// Runs in a browser: what the tests ask of the clients there. Everything goes in and out as JSON.
import {
  type DataType,
  GrpcWebClient,
  HttpClient,
  type InferOptions,
  tensor,
} from '@nereid/client';
import { samples } from '../tensor-samples.ts';

export type BrowserProtocol = 'http' | 'grpcWeb';

const protocols = { http: HttpClient, grpcWeb: GrpcWebClient };

/** Where and how to ask. */
export interface Target {
  readonly url: string;
  readonly protocol: BrowserProtocol;
}

const paced = (delaysMs: readonly number[]) => ({
  IN: tensor(
    'INT32',
    [delaysMs.length],
    delaysMs.map((_, index) => index + 1),
  ),
  DELAY: tensor('UINT32', [delaysMs.length], delaysMs),
  WAIT: tensor('UINT32', [1], [0]),
});

function clientOf({ url, protocol }: Target, token = ''): HttpClient | GrpcWebClient {
  const Client = protocols[protocol];
  return new Client(url, token === '' ? {} : { headers: { authorization: `Bearer ${token}` } });
}

/** An error as far as JSON carries it. */
async function failureOf(action: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    return { value: String(await action) };
  } catch (error) {
    const { name, message, code } = error as { name: string; message: string; code?: string };
    return { name, message, code };
  }
}

const checks = {
  /** Sends the sample of a data type; tells what came back, and whether it is the same. */
  async roundTrip(target: Target, datatype: DataType, options: InferOptions = {}): Promise<object> {
    const sent = samples[datatype];
    const model = `identity_${datatype}`;
    const result = await clientOf(target).infer(model, { INPUT0: sent }, { id: 'x', ...options });
    const { data, shape } = result.output('OUTPUT0', datatype);
    return {
      id: result.id,
      model: result.modelName,
      shape,
      type: Object.prototype.toString.call(data),
      elements: Array.from(data as ArrayLike<unknown>, String),
      expected: Array.from(sent.data as ArrayLike<unknown>, String),
    };
  },

  /** How many of so many numbers came back as they were sent. */
  async largeRoundTrip(target: Target, length: number, options: InferOptions): Promise<number> {
    const data = Float32Array.from({ length }, (_, index) => index % 1000);
    const input = tensor('FP32', [length], data);
    const result = await clientOf(target).infer('identity_FP32', { INPUT0: input }, options);
    const got = result.output('OUTPUT0', 'FP32').data;
    return data.filter((value, index) => value === got[index]).length;
  },

  async describe(target: Target): Promise<object> {
    const client = clientOf(target);
    await client.unloadModel('identity_FP32');
    const unloaded = await client.isModelReady('identity_FP32');
    await client.loadModel('identity_FP32');
    return {
      live: await client.isServerLive(),
      metadata: await client.modelMetadata('identity_FP32'),
      ready: [unloaded, await client.isModelReady('identity_FP32')],
      index: (await client.repositoryIndex(true)).some(({ name }) => name === 'identity_FP32'),
      statistics: (await client.statistics('identity_FP32')).length,
      batchSizeMax: (await client.modelConfig('identity_FP32')).max_batch_size,
      log: (await client.logSettings())['log_info'],
    };
  },

  failure(target: Target, model: string, datatype: DataType, token = ''): Promise<object> {
    return failureOf(clientOf(target, token).infer(model, { INPUT0: samples[datatype] }));
  },

  /** Ends a request that takes a minute, by its signal or its time, so long after it was sent. */
  async ended(target: Target, by: 'signal' | 'time', afterMs: number): Promise<object> {
    const abort = new AbortController();
    const waiting = failureOf(
      clientOf(target).infer(
        'slow',
        { INPUT0: samples.INT32 },
        by === 'time' ? { timeoutMs: afterMs } : { signal: abort.signal },
      ),
    );
    if (by === 'signal') setTimeout(() => abort.abort(), afterMs);
    return waiting;
  },

  /** The numbers of a stream, and how the page stops reading. */
  async streamed(
    target: Target,
    delaysMs: readonly number[],
    readMax: number,
  ): Promise<readonly number[]> {
    const client = clientOf(target);
    const seen: number[] = [];
    if (client instanceof GrpcWebClient) {
      for await (const result of client.inferStream('repeat', paced(delaysMs))) {
        if (seen.push(...result.output('OUT', 'INT32').data) >= readMax) break;
      }
      return seen;
    }
    const fields = { IN: delaysMs.map((_, index) => index + 1), DELAY: delaysMs, WAIT: 0 };
    for await (const event of client.generateStream('repeat', fields)) {
      if (seen.push(event['OUT'] as number) >= readMax) break;
    }
    return seen;
  },

  /** The last error of a stream that its signal ends after its first answer. */
  async endedStream(target: Target): Promise<object> {
    const client = clientOf(target);
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const answers: AsyncGenerator<unknown> =
      client instanceof GrpcWebClient
        ? client.inferStream('repeat', paced([0, 60_000]), options)
        : client.generateStream('repeat', { IN: [1, 2], DELAY: [0, 60_000], WAIT: 0 }, options);
    await answers.next();
    abort.abort();
    return failureOf(answers.next());
  },

  generated(target: Target): Promise<unknown> {
    const client = clientOf(target) as HttpClient;
    return client.generate('identity_BYTES', { INPUT0: 'text é' });
  },

  /** The same in a worker, which has no window. */
  async inWorker(target: Target, datatype: DataType): Promise<unknown> {
    const worker = new Worker('/page.js', { type: 'module' });
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.postMessage([target, datatype]);
    return answer.finally(() => worker.terminate());
  },
};

export type Checks = typeof checks;

declare class Worker {
  constructor(url: string, options: { type: 'module' });
  onmessage: (event: { data: unknown }) => void;
  onerror: (event: { message: string }) => void;
  postMessage(message: unknown): void;
  terminate(): void;
}
declare const window: object | undefined;
declare const self: {
  onmessage: (event: { data: [Target, DataType] }) => void;
  postMessage(message: unknown): void;
};

if (typeof window === 'undefined') {
  self.onmessage = async ({ data }) => self.postMessage(await checks.roundTrip(...data));
} else {
  Object.assign(globalThis, { checks });
}
