import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMetrics, sampleValue } from '../e2e/metrics-page.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from '../e2e/python-models.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from '../e2e/temporary-repository.ts';

/** Makes whatever metrics it can, and answers with how many it got. */
const greedy = pythonModel(
  `self.families = getattr(self, "families", [])
made = 0
try:
    family = pb_utils.MetricFamily(name="hostile", description="\\x1b[31m\\n# TYPE nv_inference_count gauge\\n", kind=pb_utils.MetricFamily.GAUGE)
    self.families.append(family)
    family.Metric(labels={"text": "\\x1b[2J\\"}\\nnv_inference_count{model=\\"x\\"} 99\\r\\u2028"}).set(1)
    for n in range(int(x[0])):
        family.Metric(labels={"n": str(n)})
        made += 1
    family.Metric(labels={"long": "x" * 1000000})
except pb_utils.TritonModelException as error:
    pass
y = np.array([made], dtype=np.int32)`,
);

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  repository = temporaryRepository({
    'tagged/config.pbtxt': identityConfig(
      'INT32',
      'metric_tags { key: "a\\033[31m{" value: "\\r\\n\\033]0;x\\007" }',
    ),
    'tagged/1/': '',
    'greedy/config.pbtxt': pythonConfig(),
    'greedy/1/model.py': greedy,
  });
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

async function page(headers: Record<string, string> = {}): Promise<string> {
  return (await fetch(server.metricsUrl as string, { headers })).text();
}

it('keeps the page readable, whatever tags and models put on it', async () => {
  const inputs = [{ name: 'X', datatype: 'INT32', shape: [1], data: [100] }];
  const answer = await fetch(`${server.url}/v2/models/greedy/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  expect(await answer.json()).toMatchObject({ outputs: [{ data: [100] }] });
  const { text, openmetrics } = await readMetrics(server.metricsUrl as string);
  for (const read of [text, openmetrics]) {
    expect(sampleValue(read, 'nv_inference_count', { model: 'x' })).toBeNull();
    expect(sampleValue(read, 'nv_inference_count', { model: 'tagged' })).toBe(0);
  }
  expect((await page()).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
});

it.each([
  'application/openmetrics-text;q=1e999',
  `${'application/openmetrics-text;version=9,'.repeat(300)}*/*`,
  ';;;,,,q=,=',
  'text/plain;q=-1',
])('answers to the Accept header %.60s', async (accept) => {
  expect(await page({ accept })).toMatch(/^# HELP nv_inference_request_success/);
});

it('bears many readers at once, and serves on', async () => {
  const pages = await Promise.all(Array.from({ length: 200 }, () => page()));
  expect(new Set(pages.map((text) => text.startsWith('# HELP'))).size).toBe(1);
  const inputs = [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }];
  const answer = await fetch(`${server.url}/v2/models/tagged/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
});
