import { labelText } from './metric-labels.ts';
import type { MetricCollector, MetricFamily, MetricSample } from './metric-sample.ts';

/** Counts responses by their status: whole numbers below `statusMax`, as HTTP and gRPC have them. */
export class ResponseCounters implements MetricCollector {
  readonly #family: MetricFamily;
  readonly #counts: Float64Array;
  readonly #codeText: (status: number) => string;

  /** @param codeText What the label `code` says of a status. */
  constructor(family: MetricFamily, statusMax: number, codeText: (status: number) => string) {
    this.#family = family;
    this.#counts = new Float64Array(statusMax + 1);
    this.#codeText = codeText;
  }

  /** A status outside of the range is not counted. */
  readonly count = (status: number): void => {
    if (status >= 0 && status < this.#counts.length) {
      this.#counts[status] = (this.#counts[status] as number) + 1;
    }
  };

  collect(): readonly MetricSample[] {
    const samples: MetricSample[] = [];
    for (let status = 0; status < this.#counts.length; status++) {
      const value = this.#counts[status] as number;
      if (value === 0) continue;
      const labels = labelText(new Map([['code', this.#codeText(status)]]));
      samples.push({ family: this.#family, labels, value });
    }
    return samples;
  }
}
