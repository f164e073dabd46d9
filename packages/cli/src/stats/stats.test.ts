import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { runCommand } from '../command/run-command.ts';
import { type LocalServer, localServer } from '../testing/local-server.ts';
import { type TestContext, testContext } from '../testing/test-context.ts';
import { metricsUrlOf } from './metrics-page.ts';
import { stats } from './stats.ts';

let server: LocalServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const each = { count: 4, ns: 8_000_000 };
const statistics = {
  model_stats: [
    {
      name: 'm',
      version: '1',
      last_inference: 0,
      inference_count: 4,
      execution_count: 4,
      inference_stats: {
        success: each,
        fail: { count: 0, ns: 0 },
        queue: each,
        compute_input: each,
        compute_infer: each,
        compute_output: each,
        cache_hit: { count: 0, ns: 0 },
        cache_miss: { count: 0, ns: 0 },
      },
      batch_stats: [],
    },
  ],
};
const histogram = [
  ['0.001', 2],
  ['0.005', 4],
  ['+Inf', 4],
]
  .map(
    ([bound, count]) =>
      `nereid_inference_request_duration_seconds_bucket{model="m",version="1",le="${bound}"} ${count}\n`,
  )
  .join('');
const summary = `nv_inference_request_summary_us{model="m",version="1",quantile="0.5"} 1500
nv_inference_request_summary_us{model="m",version="1",quantile="0.99"} 7000
`;

/** A server that has this page of metrics; null for none. */
async function run(
  page: string | null,
  columns: number | null,
  ...args: string[]
): Promise<TestContext & { status: number }> {
  const pages: Readonly<Record<string, string | null>> = {
    '/v2': '{"name":"s","version":"1","extensions":[]}',
    '/v2/models/stats': JSON.stringify(statistics),
    '/v2/metrics': page,
    '/elsewhere': summary,
  };
  server = await localServer(({ url = '' }, response: ServerResponse) => {
    const text = pages[url] ?? null;
    response.writeHead(text === null ? 404 : 200).end(text ?? '');
  });
  const context = testContext('/', {}, columns);
  const given = args.map((arg) => arg.replace('HERE', server?.url ?? ''));
  const status = await runCommand(stats, ['--url', server.url, ...given], context);
  return { ...context, status };
}

describe('nereid stats', () => {
  it('tells percentiles of a histogram', async () => {
    const { status, out, err } = await run(histogram, null);
    expect([status, err()]).toEqual([0, '']);
    expect(out()).toMatch(/LATENCY +P50 +P99 +QUEUE/u);
    expect(out()).toMatch(/2\.00 ms +1\.00 ms +4\.9\d ms/u);
  });

  it("tells those of Triton's summaries, wherever the metrics are", async () => {
    for (const [page, ...args] of [[summary], [null, '--metrics-url', 'HERE/elsewhere']] as const) {
      const { out, err } = await run(page, null, ...args);
      expect(out(), err()).toMatch(/2\.00 ms +1\.50 ms +7\.00 ms/u);
      expect(err()).toBe('');
      await server?.close();
    }
    server = null;
  });

  it('says once why there are none', async () => {
    const without = await run('nv_inference_count{model="m",version="1"} 4\n', null);
    expect(without.out()).not.toContain('P50');
    expect(without.err()).toBe(
      'nereid stats: P50 and P99 are not known: the server keeps none; start it with --metrics-config histogram_latencies=true, a Triton with --metrics-config summary_latencies=true\n',
    );
    await server?.close();
    const absent = await run(null, null, '--watch', '--idle', '--count', '2', '-n', '0.05');
    expect(absent.out().match(/MODEL/gu)).toHaveLength(2);
    // Nothing was asked of the model between the looks.
    expect(absent.err()).toBe('');
    await server?.close();
    const screen = await run(null, 120);
    expect(screen.err()).toContain('(status 404); say where they are with --metrics-url');
  });

  it('refuses what is no address of metrics', async () => {
    const { status, err } = await run(null, null, '--metrics-url', 'localhost:8002');
    expect([status, err()]).toEqual([
      2,
      expect.stringContaining("--metrics-url takes http://HOST:PORT/PATH, not 'localhost:8002'"),
    ]);
  });

  it.each([
    ['localhost:8000', null, 'http://localhost:8000/v2/metrics'],
    ['localhost', null, 'http://localhost:8000/v2/metrics'],
    ['http://a:1/below/', null, 'http://a:1/below/v2/metrics'],
    ['https://a', null, 'https://a/v2/metrics'],
    ['grpc://a', null, 'http://a:8001/v2/metrics'],
    ['grpcs://a:1', null, 'https://a:1/v2/metrics'],
    ['[::1]:5', { ca: 'x' }, 'https://[::1]:5/v2/metrics'],
  ])('looks for the metrics of %s', (address, tls, expected) => {
    expect(metricsUrlOf(address, tls)).toBe(expected);
  });
});
