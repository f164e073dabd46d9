import { eventually, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMetrics, sampleValue } from './metrics-page.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import {
  modelFiles,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

/** Makes its metrics when it starts, as the example of Triton's Python backend does. */
const counting = pythonModel(
  'self.metric.increment(int(x[0]))\nself.sizes.observe(float(x[0]))\ny = x + int(self.metric.value())',
  `
    def initialize(self, args):
        self.family = pb_utils.MetricFamily(
            name="requests_seen", description="What the model saw", kind=pb_utils.MetricFamily.COUNTER
        )
        self.metric = self.family.Metric(labels={"model": "counting", "version": "1"})
        self.histogram = pb_utils.MetricFamily(
            name="request_sizes", description="Sizes", kind=pb_utils.MetricFamily.HISTOGRAM
        )
        self.sizes = self.histogram.Metric(labels={}, buckets=[1.0, 10.0])
`,
);

/** Does what its request says; what it raises is its answer. */
const probing = pythonModel(
  `code = "".join(chr(c) for c in x)
place = dict(pb_utils=pb_utils, math=__import__("math"))
try:
    exec(code, place)
    result = str(place["result"])
except Exception as error:
    result = type(error).__name__ + ": " + str(error)
y = np.array([ord(c) for c in result], dtype=np.int32)`,
);

const dying = pythonModel('os._exit(3)');

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  repository = temporaryRepository(
    modelFiles({ counting, probing, dying }, (code) => ({
      'config.pbtxt': pythonConfig(),
      '1/model.py': code,
    })),
  );
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--load-model=*',
      pythonRuntimeFlag(),
    ],
  });
});

afterAll(async () => {
  await server?.stop();
  repository?.remove();
});

async function infer(model: string, data: readonly number[]): Promise<number[] | string> {
  const inputs = [{ name: 'X', datatype: 'INT32', shape: [data.length], data }];
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  const json = (await answer.json()) as { outputs?: { data: number[] }[]; error?: string };
  return json.outputs?.[0]?.data ?? String(json.error);
}

/** What a model gets for `result` when it runs the code. */
async function run(...lines: string[]): Promise<string> {
  const data = [...lines.join('\n')].map((character) => character.charCodeAt(0));
  const answer = await infer('probing', data);
  return typeof answer === 'string' ? answer : String.fromCharCode(...answer);
}

async function page(): Promise<string> {
  return (await fetch(server.metricsUrl as string)).text();
}

const family = (name: string, kind: string): string =>
  `f = pb_utils.MetricFamily(name="${name}", description="About ${name}", kind=pb_utils.MetricFamily.${kind})`;

it('publishes what a model counts, until it is unloaded', async () => {
  expect(await infer('counting', [5])).toEqual([10]);
  expect(await infer('counting', [7])).toEqual([19]);
  const { text, openmetrics } = await readMetrics(server.metricsUrl as string);
  for (const read of [text, openmetrics]) {
    expect(sampleValue(read, 'requests_seen', { model: 'counting', version: '1' })).toBe(12);
    expect(sampleValue(read, 'request_sizes_sum')).toBe(12);
    expect(sampleValue(read, 'request_sizes_count')).toBe(2);
  }
  expect(text.types).toMatchObject({ requests_seen: 'counter', request_sizes: 'histogram' });
  await fetch(`${server.url}/v2/repository/models/counting/unload`, { method: 'POST' });
  await eventually(async () => !/requests_seen|request_sizes/.test(await page()));
});

it.each([
  ['COUNTER', 'increment(2.5)', '2.5'],
  ['GAUGE', 'increment(-2.5)', '-2.5'],
  ['GAUGE', 'set(999.9)', '999.9'],
  ['GAUGE', 'set(math.inf)', 'inf'],
  ['GAUGE', 'set(math.nan)', 'nan'],
])('changes a %s by %s to %s', async (kind, change, result) => {
  const answer = await run(
    family('changed', kind),
    'm = f.Metric(labels={"a": "b"})',
    `m.${change}`,
    'result = m.value()',
  );
  expect(answer).toBe(result);
});

it.each([
  [
    'COUNTER',
    '',
    'increment(-1)',
    'Failed to increment metric value: TRITONSERVER_METRIC_KIND_COUNTER can only be incremented monotonically by non-negative values.',
  ],
  [
    'COUNTER',
    '',
    'set(1)',
    'Failed to set metric value: TRITONSERVER_METRIC_KIND_COUNTER does not support Set',
  ],
  [
    'GAUGE',
    '',
    'observe(1)',
    'Failed to observe metric value: TRITONSERVER_METRIC_KIND_GAUGE does not support Observe',
  ],
  [
    'HISTOGRAM',
    'buckets=[1]',
    'value()',
    'Failed to get metric value: TRITONSERVER_METRIC_KIND_HISTOGRAM does not support Value',
  ],
  [
    'HISTOGRAM',
    'buckets=[1]',
    'increment(1)',
    'Failed to increment metric value: TRITONSERVER_METRIC_KIND_HISTOGRAM does not support Increment',
  ],
  ['HISTOGRAM', '', 'observe(1)', 'Failed to create metric. Missing required buckets.'],
  [
    'HISTOGRAM',
    'buckets=[2.5, 0.1]',
    'observe(1)',
    'Error when creating Metric: Bucket Boundaries must be strictly sorted',
  ],
  [
    'HISTOGRAM',
    'buckets=[1, 1]',
    'observe(1)',
    'Error when creating Metric: Bucket Boundaries must be strictly sorted',
  ],
  ['GAUGE', 'buckets=[1]', 'set(1)', 'Failed to create metric. Unexpected buckets found.'],
  ['GAUGE', 'labels=3', 'set(1)', 'Failed to create metric. Labels must be a dictionary.'],
  [
    'GAUGE',
    'labels={"a": 1}',
    'set(1)',
    'Error when creating Metric: attempt to access JSON non-string as string',
  ],
  ['GAUGE', 'labels={"a-b": "x"}', 'set(1)', 'Error when creating Metric: Invalid label name'],
])('refuses for a %s(%s) %s', async (kind, args, change, text) => {
  const answer = await run(
    family('refused', kind),
    `m = f.Metric(${args})`,
    `result = m.${change}`,
  );
  expect(answer).toBe(`TritonModelException: ${text}`);
});

it('refuses families whose name is another’s', async () => {
  const prefix = 'TritonModelException: Error when creating MetricFamily: ';
  expect(await run(family('twice', 'COUNTER'), 'g = f', family('twice', 'GAUGE'))).toBe(
    `${prefix}Family name already exists with different type`,
  );
  expect(await run(family('nv_inference_count', 'COUNTER'))).toContain(`${prefix}Family name`);
  expect(await run(family('a b', 'COUNTER'))).toBe(`${prefix}Invalid metric name`);
});

it('has one series for equal labels, and the first description', async () => {
  const answer = await run(
    family('shared', 'COUNTER'),
    'g = pb_utils.MetricFamily(name="shared", description="Other", kind=pb_utils.MetricFamily.COUNTER)',
    'a, b = f.Metric(labels={"x": "y"}), g.Metric(labels={"x": "y"})',
    'a.increment(7.5)',
    'del a',
    'import urllib.request',
    `page = urllib.request.urlopen("${server.metricsUrl}").read().decode()`,
    'result = (b.value(), "# HELP shared About shared" in page, \'shared{x="y"} 7.5\' in page)',
  );
  expect(answer).toBe('(7.5, True, True)');
});

it('says when a metric is used after its family is gone', async () => {
  const answer = await run(family('early', 'GAUGE'), 'm = f.Metric()', 'del f', 'm.set(1)');
  expect(answer).toContain(
    "Failed to set metric value: Invalid metric operation as the corresponding 'MetricFamily' has been deleted.",
  );
  await eventually(async () => !(await page()).includes('early'));
});

it('tells the memory of workers, and that one was started again', async () => {
  const read = async (name: string): Promise<number | null> =>
    sampleValue((await readMetrics(server.metricsUrl as string)).text, name, { model: 'dying' });
  expect(await read('nereid_python_worker_restarts_total')).toBe(0);
  expect(await read('nereid_model_memory_bytes')).toBeGreaterThan(1024 * 1024);
  expect(await infer('dying', [1])).toContain('is not healthy');
  await eventually(async () => (await read('nereid_python_worker_restarts_total')) === 1);
});
