import { setTimeout as delay } from 'node:timers/promises';
import type { InferenceClient } from '@nereid/client';
import type { Command, CommandContext } from '../command/command.ts';
import { notFoundError } from '../command/exit-status.ts';
import { serverOptions, withServer } from '../connection/server-connection.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { activityTable, rateText } from './activity-table.ts';
import { fetchLatencyHistograms, type LatencyHistograms } from './latency-histograms.ts';
import { activityBetween, type ModelActivity, type StatisticsSample } from './statistics-delta.ts';

const intervalSecondsDefault = 1;
const intervalSecondsMax = 3600;
const countMax = 1_000_000_000;

/** `nereid stats`. */
export const stats: Command = {
  name: 'stats',
  summary: 'tell how the models of a server fare: rates, latencies, queues, batches',
  details: `Latency is the mean time of a request in the server; queue is the part that it waited, compute the part in
which it ran; P50 and P99 are percentiles of the latency, where the server keeps histograms (--metrics-config
histogram_latencies=true). BATCH is how many elements ran at once on average, BATCH SIZES how often each size did.
Without --watch the figures are those since each model was loaded.

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
    ...serverOptions,
  },
  async run(given, context) {
    const names = given.positionals;
    const watch = given.flag('watch');
    const seconds = given.number('interval', intervalSecondsDefault, 0.05, intervalSecondsMax);
    const count = given.integer('count', watch ? countMax : 1, 1, countMax);
    const view = new StatisticsView(context, {
      json: given.flag('json'),
      idle: given.flag('idle'),
      watch,
    });
    await withServer(given, context, async (client, { url, headers }) => {
      const { name, version } = await client.serverMetadata();
      try {
        await look(
          { client, histograms: () => fetchLatencyHistograms(url, headers) },
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

interface AskedServer {
  readonly client: InferenceClient;
  readonly histograms: () => Promise<LatencyHistograms | null>;
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
    const now = await sampleOf(server, names);
    if (!watch || before !== null) {
      view.show(title, activityBetween(before, now));
      done++;
    }
    before = now;
    if (done < count) await delay(seconds * 1000, undefined, { signal }).catch(() => {});
  }
}

async function sampleOf(
  { client, histograms }: AskedServer,
  names: readonly string[],
): Promise<StatisticsSample> {
  const [models, latencies] = await Promise.all([client.statistics(), histograms()]);
  const absent = names.find((name) => !models.some((model) => model.name === name));
  if (absent !== undefined) throw notFoundError(`the server serves no model '${absent}'`);
  return {
    atMs: performance.now(),
    models: names.length === 0 ? models : models.filter(({ name }) => names.includes(name)),
    latencies,
  };
}

/** Where the figures are shown: a screen that is drawn anew, or lines. */
class StatisticsView {
  readonly #context: CommandContext;
  readonly #how: { readonly json: boolean; readonly idle: boolean; readonly watch: boolean };
  #isScreen = false;

  constructor(
    context: CommandContext,
    how: { readonly json: boolean; readonly idle: boolean; readonly watch: boolean },
  ) {
    this.#context = context;
    this.#how = how;
  }

  show(title: string, all: readonly ModelActivity[]): void {
    const { stdout } = this.#context;
    const { json, idle, watch } = this.#how;
    if (json) {
      stdout.write(`${JSON.stringify({ time: new Date().toISOString(), models: all })}\n`);
      return;
    }
    const busy = all.filter(({ succeeded, failed }) => idle || !watch || succeeded + failed > 0);
    const quiet = all.length - busy.length;
    const width = stdout.isTerminal ? stdout.columns : null;
    const table = activityTable(busy, watch, width);
    if (!watch) {
      stdout.write(table);
      return;
    }
    const sum = all.reduce((total, one) => total + (one.requestsPerSecond ?? 0), 0);
    const time = new Date().toISOString().slice(11, 19);
    const head = `${visibleText(title)}  ${time} UTC  ${rateText(sum)} requests/s`;
    const foot = quiet === 0 ? '' : `${quiet} more without requests\n`;
    this.#draw(`${head}\n\n${table}${foot}`);
  }

  close(): void {
    // The cursor comes back, and the screen as it was before.
    if (this.#isScreen) this.#context.stdout.write('\u001b[?25h\u001b[?1049l');
    this.#isScreen = false;
  }

  #draw(text: string): void {
    const { stdout } = this.#context;
    if (!stdout.isTerminal) {
      stdout.write(`${text}\n`);
      return;
    }
    if (!this.#isScreen) stdout.write('\u001b[?1049h\u001b[?25l');
    this.#isScreen = true;
    // Each line clears what was behind it: drawing over does not flicker, clearing first does.
    stdout.write(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`);
  }
}
