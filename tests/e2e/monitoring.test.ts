import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricFamilies } from '../../packages/server/src/observability/metric-families.ts';
import { ensurePromtool } from '../../tools/promtool.mjs';
import { checkout } from './checkout.ts';
import { grafanaSchemaErrors, type TypedPanel } from './grafana-schema.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const folder = join(checkout, 'deploy', 'monitoring');
const promtool = ensurePromtool();
const promtoolReason = promtool.available ? '' : ` (skipped: ${promtool.reason})`;

interface Panel extends TypedPanel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync(join(folder, 'grafana-dashboard.json'), 'utf8')) as {
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string }[];
  };
};
const rules = readFileSync(join(folder, 'rules.yml'), 'utf8');

/** What Grafana puts in for its variables. */
function expanded(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$(instance|model)\b/g, '.*');
}

const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Names of metrics in an expression of PromQL. */
function metricNames(expression: string): readonly string[] {
  return expression.match(/\b(?:nv|nereid|process)_[a-z0-9_]+/g) ?? [];
}

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  repository = temporaryRepository({
    'same/config.pbtxt': identityConfig('INT32', 'response_cache { enable: true }'),
    'same/1/': '',
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--metrics-config=histogram_latencies=true',
      '--cache-config=local,size=1048576',
    ],
  });
});

afterAll(async () => {
  await server?.stop();
  repository?.remove();
});

/** Families that need a GPU, a Python model or an answer first. */
const elsewhere = metricFamilies.filter(({ name }) =>
  /^(nv_gpu_|nereid_(python_worker_restarts|model_memory|http|grpc))/.test(name),
);

const readPage = async (): Promise<string> => (await fetch(server.metricsUrl as string)).text();

/** Names of the samples on the page, and of those elsewhere. */
async function publishedNames(): Promise<ReadonlySet<string>> {
  const page = await readPage();
  const written = [...page.matchAll(/^([a-z_]+)(?:\{| )/gm)].map((match) => match[1] as string);
  return new Set([...written, ...elsewhere.map(({ name }) => name)]);
}

/** The series of the page, as one server's, and one of each family elsewhere. */
async function publishedSeries(): Promise<readonly string[]> {
  const page = await readPage();
  const written = [...page.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)].map(
    ([, name, labels = '']) => `${name}{${[labels, 'instance="a"'].filter(Boolean).join(',')}}`,
  );
  const others = elsewhere.map(({ name, labels }) => {
    const pairs = ['instance', ...labels].map((label) => `${label}="x"`);
    return `${name}{${pairs.join(',')}}`;
  });
  return [...new Set([...written, ...others])];
}

describe('the dashboard', () => {
  it('asks only for metrics that a server has', async () => {
    const published = await publishedNames();
    const unknown = expressions.flatMap(metricNames).filter((name) => !published.has(name));
    expect(unknown).toEqual([]);
    expect(expressions.length).toBeGreaterThan(20);
  });

  it('is what Grafana’s own types allow, with nothing that they do not know', () => {
    expect(grafanaSchemaErrors(dashboard)).toEqual([]);
  });

  it('is laid out as Grafana wants it: every id once, no panel over another', () => {
    const { panels, schemaVersion } = dashboard;
    expect(schemaVersion).toBeGreaterThanOrEqual(39);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const panel of panels) {
      const { x, y, w, h } = panel.gridPos;
      expect(x + w, panel.title).toBeLessThanOrEqual(24);
      const over = panels.filter(
        ({ id, gridPos: other }) =>
          id !== panel.id &&
          x < other.x + other.w &&
          other.x < x + w &&
          y < other.y + other.h &&
          other.y < y + h,
      );
      expect(
        over.map(({ title }) => title),
        panel.title,
      ).toEqual([]);
      const references = (panel.targets ?? []).map(({ refId }) => refId);
      expect(new Set(references).size, panel.title).toBe(references.length);
    }
  });

  it('knows every variable that it uses', () => {
    const known = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = JSON.stringify(dashboard).match(/\$\{?(?!__)[a-z]+/g) ?? [];
    expect(used.map((name) => name.replace(/\W/g, '')).filter((name) => !known.has(name))).toEqual(
      [],
    );
  });
});

describe('the rules', () => {
  it('ask only for metrics that a server has', async () => {
    const published = await publishedNames();
    const asked = [
      ...rules.matchAll(/expr: (?:>-\n)?([\s\S]*?)(?=\n {6}- |\n {8}[a-z]+:|\n {2}- |$)/g),
    ].flatMap((match) => metricNames(match[1] as string));
    expect(asked.filter((name) => !published.has(name))).toEqual([]);
    expect(asked.length).toBeGreaterThan(10);
  });
});

describe.skipIf(!promtool.available)(`promtool${promtoolReason}`, () => {
  function run(...args: string[]): { readonly status: number | null; readonly output: string } {
    if (!promtool.available) throw new Error(promtool.reason);
    const { status, stdout, stderr } = spawnSync(promtool.path, args, {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, output: `${stdout}${stderr}` };
  }

  it.each([
    ['check', 'rules', 'rules.yml'],
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'rules.test.yml'],
  ])('%s %s %s', (...args) => {
    expect(run(...args)).toEqual({ status: 0, output: expect.not.stringMatching(/FAIL|error/i) });
  });

  it('gets an answer for every expression of the dashboard from the series of a server', async () => {
    const series = await publishedSeries();
    const temporary = mkdtempSync(join(tmpdir(), 'nereid-rules-'));
    const file = join(temporary, 'expressions.yml');
    // Nothing is expected, so that each expression with an answer is told, with the answer.
    const test = {
      interval: '1m',
      input_series: series.map((name) => ({ series: name, values: '0+60x20' })),
      promql_expr_test: expressions.map((expr) => ({ expr: expanded(expr), eval_time: '15m' })),
    };
    writeFileSync(file, JSON.stringify({ tests: [test] }));
    const { output } = run('test', 'rules', file);
    rmSync(temporary, { recursive: true });
    const answered = expressions.filter((expr) =>
      output.includes(`expr: ${JSON.stringify(expanded(expr))}, time: 15m,`),
    );
    expect(
      expressions.filter((expr) => !answered.includes(expr)),
      output.slice(0, 4000),
    ).toEqual([]);
    expect(output).not.toMatch(/got: .*NaN/u);
  });
});
