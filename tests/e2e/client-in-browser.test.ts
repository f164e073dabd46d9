import type { DataType } from '@nereid/client';
import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BrowserPage } from './browser/browser-page.ts';
import type { BrowserProtocol, Target } from './browser/page.ts';
import {
  identityConfig,
  identityModels,
  repeatConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';
import { samples } from './tensor-samples.ts';

const datatypes = Object.keys(samples) as DataType[];
const inAMinute = 'parameters { key: "execute_delay_ms" value: { string_value: "60000" } }';
/** To install a browser where there is none. */
const setUpMsMax = 400_000;

let repository: TemporaryRepository;
let page: BrowserPage;
let server: ServerProcess;

beforeAll(async () => {
  page = await BrowserPage.open();
  repository = temporaryRepository({
    ...identityModels(datatypes),
    'slow/config.pbtxt': identityConfig('INT32', inAMinute),
    'slow/1/': '',
    'repeat/config.pbtxt': repeatConfig,
    'repeat/1/': '',
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=*',
      `--http-cors-origin=${page.origin}`,
    ],
  });
}, setUpMsMax);
afterAll(async () => {
  await page?.close();
  expect((await server?.stop())?.status).toBe(0);
  repository?.remove();
});

/** How many requests of a model were given up or failed. */
async function failures(model: string): Promise<number> {
  const answer = await fetch(`${server.url}/v2/models/${model}/stats`);
  const { model_stats: statistics } = (await answer.json()) as {
    model_stats: { inference_stats: { fail: { count: number } } }[];
  };
  return statistics[0]?.inference_stats.fail.count ?? 0;
}

describe.each<BrowserProtocol>(['http', 'grpcWeb'])('a page that speaks %s', (protocol) => {
  const target = (): Target => ({ url: server.url, protocol });
  beforeAll(() => page.visit(page.origin));

  it.each(datatypes)('sends and gets %s', async (datatype) => {
    const { expected, ...got } = (await page.run('roundTrip', target(), datatype)) as {
      expected: string[];
    };
    expect(got).toEqual({
      id: 'x',
      model: `identity_${datatype}`,
      shape: [2],
      type: Object.prototype.toString.call(samples[datatype].data),
      elements: expected,
    });
  });

  it('does so in a worker', async () => {
    expect(await page.run('inWorker', target(), 'INT64')).toMatchObject({
      elements: Array.from(samples.INT64.data, String),
    });
  });

  it.each([{}, { requestCompression: 'gzip', responseCompression: 'gzip' }] as const)(
    'sends and gets a large tensor with %j',
    async (options) => {
      expect(await page.run('largeRoundTrip', target(), 1_000_000, options)).toBe(1_000_000);
    },
  );

  it('is told of the server and its models', async () => {
    expect(await page.run('describe', target())).toEqual({
      live: true,
      metadata: {
        name: 'identity_FP32',
        versions: ['1'],
        platform: 'identity',
        inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [-1] }],
        outputs: [{ name: 'OUTPUT0', datatype: 'FP32', shape: [-1] }],
      },
      ready: [false, true],
      index: true,
      statistics: 1,
      batchSizeMax: 0,
      log: true,
    });
  });

  it('is refused in the words of the server', async () => {
    expect(await page.run('failure', target(), 'nowhere', 'INT32')).toEqual({
      name: 'InferenceError',
      code: 'NOT_FOUND',
      message: "Request for unknown model: 'nowhere' is not found",
    });
    expect(await page.run('failure', target(), 'identity_INT32', 'INT64', 'a token')).toMatchObject(
      { code: 'INVALID_ARGUMENT', message: expect.stringContaining("data-type is 'INT64'") },
    );
  });

  it.each([
    ['signal', 'CANCELLED'],
    ['time', 'DEADLINE_EXCEEDED'],
  ] as const)('ends a request by its %s, also at the server', async (by, code) => {
    const before = await failures('slow');
    const isTold = (withinMs: number): Promise<boolean> =>
      eventually(async () => (await failures('slow')) > before, withinMs).then(
        () => true,
        () => false,
      );
    // Where the machine is busy, the request may not even be at the server by then: once more, later.
    let afterMs = 100;
    do {
      const error = await page.run('ended', target(), by, afterMs);
      expect(error).toMatchObject({ name: 'InferenceError', code });
      afterMs *= 2;
    } while (!(await isTold(10 * afterMs)));
  });

  it('reads a stream to its end', async () => {
    expect(await page.run('streamed', target(), [0, 0, 0], 9)).toEqual([1, 2, 3]);
  });

  it('leaves a stream early, which ends it at the server', async () => {
    const before = await failures('repeat');
    expect(await page.run('streamed', target(), [0, 0, 60_000, 0], 2)).toEqual([1, 2]);
    await expect.poll(() => failures('repeat')).toBeGreaterThan(before);
  });

  it('ends a stream by its signal', async () => {
    expect(await page.run('endedStream', target())).toMatchObject({ code: 'CANCELLED' });
  });
});

it('a page sends and gets numbers as JSON', async () => {
  const options = { binary: false, outputs: [{ name: 'OUTPUT0', binary: false }] };
  const target: Target = { url: server.url, protocol: 'http' };
  for (const datatype of datatypes.filter((type) => type !== 'FP16' && type !== 'BF16')) {
    const { elements, expected } = (await page.run('roundTrip', target, datatype, options)) as {
      elements: string[];
      expected: string[];
    };
    expect(elements, datatype).toEqual(expected);
  }
});

it('a page generates', async () => {
  expect(await page.run('generated', { url: server.url, protocol: 'http' })).toMatchObject({
    OUTPUT0: 'text é',
  });
});

describe('a page of an origin that the server does not name', () => {
  beforeEach(() => page.visit(page.otherOrigin));

  it.each<BrowserProtocol>(['http', 'grpcWeb'])('learns nothing over %s', async (protocol) => {
    const target = { url: server.url, protocol };
    expect(await page.run('failure', target, 'identity_INT32', 'INT32')).toMatchObject({
      name: 'InferenceError',
      code: 'UNAVAILABLE',
    });
  });
});
