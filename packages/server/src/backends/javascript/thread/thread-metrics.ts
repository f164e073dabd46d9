import {
  type Counter,
  type Gauge,
  type Histogram,
  type MetricOptions,
  type ModelMetrics,
  TritonError,
} from '@nereid/model';
import type { CustomMetricKind } from '../../../observability/custom-metrics.ts';
import type { ServerCalls } from './server-calls.ts';
import type { ServerPort } from './server-port.ts';

type Change = { how: 'increment' | 'set' | 'observe'; value: number };

/** Changes that wait; more are told at once. */
const waitingMax = 1000;

/** The metrics of the model. Changes are told together, since a model makes them with every request. */
export class ThreadMetrics implements ModelMetrics {
  readonly #port: ServerPort;
  readonly #calls: ServerCalls;
  /** By family name: a second series is one of the same family. */
  readonly #families = new Map<string, Promise<number>>();
  #changes: [metric: number, change: Change][] = [];
  #flushing = false;

  constructor(port: ServerPort, calls: ServerCalls) {
    this.#port = port;
    this.#calls = calls;
  }

  async counter(name: string, options: MetricOptions): Promise<Counter> {
    const metric = await this.#make(name, 'counter', options, null);
    return {
      increment: (by = 1) => {
        if (!(by >= 0)) throw new TritonError('INVALID_ARG', 'a counter only goes up');
        this.#change(metric, 'increment', by);
      },
      value: () => this.#value(metric),
    };
  }

  async gauge(name: string, options: MetricOptions): Promise<Gauge> {
    const metric = await this.#make(name, 'gauge', options, null);
    return {
      increment: (by = 1) => this.#change(metric, 'increment', by),
      set: (value) => this.#change(metric, 'set', value),
      value: () => this.#value(metric),
    };
  }

  async histogram(
    name: string,
    options: MetricOptions & { readonly buckets: readonly number[] },
  ): Promise<Histogram> {
    const metric = await this.#make(name, 'histogram', options, options.buckets);
    return { observe: (value) => this.#change(metric, 'observe', value) };
  }

  /** Tells what has changed. */
  flush(): void {
    const changes = this.#changes;
    this.#changes = [];
    for (const [metric, { how, value }] of changes) {
      const text = Number.isFinite(value) ? value : String(value);
      this.#port.post({ kind: 'metric-change', metric, how, value: text });
    }
  }

  async #make(
    name: string,
    kind: CustomMetricKind,
    { help, labels = {} }: MetricOptions,
    buckets: readonly number[] | null,
  ): Promise<number> {
    const family = await this.#family(name, kind, help);
    const texts = Object.entries(labels).map(([label, value]) => [label, String(value)] as const);
    const { number } = await this.#calls.ask((call) =>
      this.#port.post({ kind: 'metric', call, family, labels: texts, buckets }),
    );
    return number ?? 0;
  }

  #family(name: string, type: CustomMetricKind, description: string): Promise<number> {
    const key = `${type} ${name}`;
    const known = this.#families.get(key);
    if (known !== undefined) return known;
    const asked = this.#calls.ask((call) =>
      this.#port.post({ kind: 'metric-family', call, name, description, type }),
    );
    const made = asked.then(({ number }) => number ?? 0);
    this.#families.set(key, made);
    made.catch(() => this.#families.delete(key));
    return made;
  }

  async #value(metric: number): Promise<number> {
    this.flush();
    const { value } = await this.#calls.ask((call) =>
      this.#port.post({ kind: 'metric-value', call, metric }),
    );
    return Number(value);
  }

  #change(metric: number, how: Change['how'], value: number): void {
    const last = this.#changes.at(-1);
    if (how === 'increment' && last?.[0] === metric && last[1].how === how) {
      last[1].value += value;
    } else {
      this.#changes.push([metric, { how, value }]);
    }
    if (this.#changes.length >= waitingMax) {
      this.flush();
    } else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.flush();
      });
    }
  }
}
