import { TritonError } from '@nereid/protocol';
import type {
  CustomMetric,
  CustomMetricFamily,
  CustomMetrics,
} from '../../observability/custom-metrics.ts';
import type { WireMetricMessage, WorkerMessage } from './worker-message.ts';

/**
 * The metrics that one worker process has. Making one and reading its value are answered; changes are
 * not, since the worker checks them itself and a model makes them with every request. All are given
 * back when the process ends.
 */
export class WorkerMetrics {
  readonly #metrics: CustomMetrics;
  readonly #answer: (message: object) => void;
  readonly #families = new Map<number, CustomMetricFamily>();
  readonly #series = new Map<number, CustomMetric>();
  #nextNumber = 1;

  /** @param answer Sends a message to the worker. */
  constructor(metrics: CustomMetrics, answer: (message: object) => void) {
    this.#metrics = metrics;
    this.#answer = answer;
  }

  /** @throws Error for numbers that the worker was never given. */
  received(message: WireMetricMessage): void {
    if (message.kind === 'metric-change') {
      change(this.#found(message.metric), message.how, Number(message.value));
    } else if (message.kind === 'metric-value') {
      const { value } = this.#found(message.metric);
      this.#reply(message.call, { value: Number.isFinite(value) ? value : String(value) });
    } else if (message.kind === 'metric-delete') {
      this.#delete(message.metric);
    } else if (message.kind === 'metric-family-delete') {
      this.#deleteFamily(message.family);
    } else {
      this.#make(message);
    }
  }

  /** The process is gone. */
  close(): void {
    for (const metric of this.#series.values()) this.#metrics.releaseMetric(metric);
    for (const family of this.#families.values()) this.#metrics.releaseFamily(family);
    this.#series.clear();
    this.#families.clear();
  }

  #make(message: Extract<WireMetricMessage, { kind: 'metric-family' | 'metric' }>): void {
    try {
      const number = this.#nextNumber++;
      if (message.kind === 'metric-family') {
        const { name, description, type } = message;
        this.#families.set(number, this.#metrics.family(name, description, type));
      } else {
        const family = this.#families.get(message.family);
        if (family === undefined) throw new Error(`metric family ${message.family} is not known`);
        const labels = new Map(message.labels);
        this.#series.set(number, this.#metrics.metric(family, labels, message.buckets));
      }
      this.#reply(message.call, { number });
    } catch (error) {
      if (!(error instanceof TritonError)) throw error;
      this.#reply(message.call, { error: { code: error.code, message: error.message } });
    }
  }

  #delete(number: number): void {
    this.#metrics.releaseMetric(this.#found(number));
    this.#series.delete(number);
  }

  #deleteFamily(number: number): void {
    const family = this.#families.get(number);
    if (family === undefined) throw new Error(`metric family ${number} is not known`);
    this.#families.delete(number);
    this.#metrics.releaseFamily(family);
  }

  #found(number: number): CustomMetric {
    const metric = this.#series.get(number);
    if (metric === undefined) throw new Error(`metric ${number} is not known`);
    return metric;
  }

  #reply(call: number, answer: object): void {
    this.#answer({ kind: 'answer', call, ...answer });
  }
}

export function isMetricMessage(message: WorkerMessage): message is WireMetricMessage {
  return message.kind.startsWith('metric');
}

/** The worker has checked that the kind of metric allows it. */
function change(metric: CustomMetric, how: 'increment' | 'set' | 'observe', value: number): void {
  if (how === 'increment') metric.value += value;
  else if (how === 'set') metric.value = value;
  else metric.histogram?.record(value);
}
