import { grpcStatusNames } from '@nereid/protocol';
import { labelText } from './metric-labels.ts';
import type { MetricCollector, MetricFamily, MetricSample } from './metric-sample.ts';
import { grpcResponses, httpResponses } from './own-families.ts';

/** Three digits. */
const httpStatusMax = 999;

/** Counts answers by their status. Counting is one addition in a table. */
export class ResponseCounters implements MetricCollector {
  readonly #http = new Float64Array(httpStatusMax + 1);
  readonly #grpc = new Float64Array(grpcStatusNames.length);

  /** A status that there is not is not counted. */
  http(status: number): void {
    increment(this.#http, status);
  }

  grpc(status: number): void {
    increment(this.#grpc, status);
  }

  collect(): readonly MetricSample[] {
    return [
      ...samplesOf(httpResponses, this.#http, String),
      ...samplesOf(grpcResponses, this.#grpc, (status) => grpcStatusNames[status] as string),
    ];
  }
}

function increment(counts: Float64Array, status: number): void {
  const count = counts[status];
  if (count !== undefined) counts[status] = count + 1;
}

function samplesOf(
  family: MetricFamily,
  counts: Float64Array,
  codeText: (status: number) => string,
): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const [status, value] of counts.entries()) {
    if (value === 0) continue;
    samples.push({ family, labels: labelText(new Map([['code', codeText(status)]])), value });
  }
  return samples;
}
