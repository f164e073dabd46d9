import { setTimeout as delay } from 'node:timers/promises';
import type { InferenceClient } from '@nereid/client';
import type { Command, CommandContext } from '../command/command.ts';
import { notFoundError, usageError } from '../command/exit-status.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { askLatencies, type LatencyAnswer } from './latency-source.ts';
import { metricsUrlOf } from './metrics-page.ts';
import { activityBetween, type StatisticsSample } from './statistics-delta.ts';
import { StatisticsView } from './statistics-view.ts';

const intervalSecondsDefault = 1;
const intervalSecondsMax = 3600;
const countMax = 1_000_000_000;

/** `nereid stats`. */
export const stats: Command = {
  name: 'stats',
  summary: 'tell how the models of a server fare: rates, latencies, queues, batches',
  details: `Latency is the mean time of a request in the server; queue is the part that it waited, compute the part in
which it ran. BATCH is how many elements ran at once on average, BATCH SIZES how often each size did. Without
--watch the figures are those since each model was loaded.

P50 and P99 are percentiles of the latency, from the server's metrics: of the same requests as the other figures where
it keeps histograms (Nereid with --metrics-config histogram_latencies=true), else of its last minutes where it keeps
summaries (summary_latencies=true, Triton too).

--watch draws anew on a terminal until Ctrl-C; elsewhere it prints a table each time.`,
  positionals: [{ name: 'MODEL', required: false, multiple: true, completes: 'models' }],
  options: {
    watch: { type: 'boolean', short: 'w', help: 'go on, with rates' },
    interval: {
      type: 'string',
      short: 'n',
      value: 'SECONDS',
      help: `between two looks (default ${intervalSecondsDefault})`,
    },
    count: { type: 'string', value: 'N', help: 'end after N looks' },
    idle: { type: 'boolean', help: 'with --watch: also models that do nothing' },
    json: { type: 'boolean', help: 'print JSON; a line a look with --watch' },
    'metrics-url': {
      type: 'string',
      value: 'URL',
      help: 'where the metrics are (default: /v2/metrics of the server; of a Triton http://HOST:8002/metrics)',
    },
    ...serverOptions,
  },
  async run(given, context) {
    const names = given.positionals;
    checkMetricsUrl(given.text('metrics-url'));
    const watch = given.flag('watch');
    const seconds = given.number('interval', intervalSecondsDefault, 0.05, intervalSecondsMax);
    const count = given.integer('count', watch ? countMax : 1, 1, countMax);
    const view = new StatisticsView(context, {
      json: given.flag('json'),
      idle: given.flag('idle'),
      watch,
    });
    await withServer(given, context, async (client, { url, headers, tls }) => {
      const metrics = given.text('metrics-url') ?? metricsUrlOf(url, tls);
      const { name, version } = await client.serverMetadata();
      try {
        await look(
          { client, latencies: () => askLatencies(metrics, { headers, tls }) },
          names,
          view,
          { title: `${name} ${version}`, seconds, count, watch },
          context,
        );
      } finally {
        view.close();
      }
    });
    return undefined;
  },
};

/** @throws CommandError `usage` for what is no address. */
function checkMetricsUrl(url: string | null): void {
  if (url === null || (/^https?:\/\//iu.test(url) && URL.canParse(url))) return;
  throw usageError(`--metrics-url takes http://HOST:PORT/PATH, not '${url}'`);
}

interface AskedServer {
  readonly client: InferenceClient;
  readonly latencies: () => Promise<LatencyAnswer>;
}

interface Looks {
  readonly title: string;
  readonly seconds: number;
  readonly count: number;
  readonly watch: boolean;
}

async function look(
  server: AskedServer,
  names: readonly string[],
  view: StatisticsView,
  { title, seconds, count, watch }: Looks,
  { signal }: CommandContext,
): Promise<void> {
  let before: StatisticsSample | null = null;
  for (let done = 0; done < count && !signal.aborted; ) {
    const { reason, ...now } = await sampleOf(server, names);
    if (!watch || before !== null) {
      view.show(title, activityBetween(before, now), reason);
      done++;
    }
    before = now;
    if (done < count) await delay(seconds * 1000, undefined, { signal }).catch(() => {});
  }
}

async function sampleOf(
  server: AskedServer,
  names: readonly string[],
): Promise<StatisticsSample & { readonly reason: string | null }> {
  const asked = [server.client.statistics(), server.latencies()] as const;
  const [models, { latencies, reason }] = await Promise.all(asked);
  const absent = names.find((name) => !models.some((model) => model.name === name));
  if (absent !== undefined) throw notFoundError(`the server serves no model '${absent}'`);
  return {
    atMs: performance.now(),
    models: names.length === 0 ? models : models.filter(({ name }) => names.includes(name)),
    latencies,
    reason,
  };
}
