import { TritonError } from '@nereid/protocol';
import { boundsProblem, Histogram } from './histogram.ts';
import { labelText } from './metric-labels.ts';
import type { MetricCollector, MetricFamily, MetricSample } from './metric-sample.ts';

/** What a model can make: Triton's kinds. */
export type CustomMetricKind = 'counter' | 'gauge' | 'histogram';

/** Series that all models together may have; a label that never repeats must not fill the memory. */
const seriesMax = 100_000;

/** Of the labels of one series together, and of a help text, which is cut. */
const textLengthMax = 4096;

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Lines of a histogram have these behind its name. */
const histogramSuffixes = ['', '_bucket', '_count', '_sum'];

/** A series that models change. Several handles may be on one. */
export interface CustomMetric {
  readonly family: CustomMetricFamily;
  readonly labels: string;
  value: number;
  readonly histogram: Histogram | null;
  references: number;
}

/** A family that models made. It is there as long as somebody refers to it. */
export interface CustomMetricFamily extends MetricFamily {
  readonly type: CustomMetricKind;
  readonly metrics: Map<string, CustomMetric>;
  references: number;
}

/**
 * Metrics that models make for themselves. Equal names are one family and equal labels one series,
 * whoever asks for them; each that asks gives back what it got, once. Errors are Triton's texts, or
 * those of the client library that it uses.
 */
export class CustomMetrics implements MetricCollector {
  readonly #families = new Map<string, CustomMetricFamily>();
  readonly #reserved: ReadonlySet<string>;
  #seriesCount = 0;

  /** @param reserved Families of the server itself, which models may not add to. */
  constructor(reserved: readonly MetricFamily[]) {
    this.#reserved = new Set(reserved.flatMap(linesOf));
  }

  /**
   * The first help text of a name stays.
   * @throws TritonError INVALID_ARG
   */
  family(name: string, help: string, type: CustomMetricKind): CustomMetricFamily {
    const tooLong = name.length > textLengthMax;
    if (tooLong || !metricName.test(name) || name.startsWith('__')) {
      throw invalid('Invalid metric name');
    }
    const known = this.#families.get(name);
    if (known !== undefined) {
      if (known.type !== type) throw invalid('Family name already exists with different type');
      known.references++;
      return known;
    }
    const family: CustomMetricFamily = {
      name,
      type,
      help: help.slice(0, textLengthMax),
      metrics: new Map(),
      references: 1,
    };
    this.#refuseClash(family);
    this.#families.set(name, family);
    return family;
  }

  /**
   * @param bounds Of a histogram; null for the others.
   * @throws TritonError INVALID_ARG for names and bounds that cannot be; UNAVAILABLE when there are too many.
   */
  metric(
    family: CustomMetricFamily,
    labels: ReadonlyMap<string, string>,
    bounds: readonly number[] | null,
  ): CustomMetric {
    for (const name of labels.keys()) {
      const reserved = family.type === 'histogram' && name === 'le';
      if (!labelName.test(name) || name.startsWith('__') || reserved) {
        throw invalid('Invalid label name');
      }
    }
    const text = labelText(labels);
    if (text.length > textLengthMax) {
      throw invalid(
        `the labels of a metric take ${text.length} characters, at most ${textLengthMax}`,
      );
    }
    const known = family.metrics.get(text);
    if (known !== undefined) {
      known.references++;
      return known;
    }
    const problem = boundsProblem(bounds ?? []);
    if (problem !== null) throw invalid(problem);
    if (this.#seriesCount >= seriesMax) {
      throw new TritonError(
        'UNAVAILABLE',
        `models have made ${seriesMax} series of metrics already`,
      );
    }
    this.#seriesCount++;
    const histogram = bounds === null ? null : new Histogram(bounds);
    const metric: CustomMetric = { family, labels: text, value: 0, histogram, references: 1 };
    family.metrics.set(text, metric);
    return metric;
  }

  releaseMetric(metric: CustomMetric): void {
    if (--metric.references > 0) return;
    metric.family.metrics.delete(metric.labels);
    this.#seriesCount--;
  }

  /** Metrics of it that are still there go on, unseen when nobody else refers to the family. */
  releaseFamily(family: CustomMetricFamily): void {
    if (--family.references === 0) this.#families.delete(family.name);
  }

  collect(): readonly MetricSample[] {
    const samples: MetricSample[] = [];
    for (const family of this.#families.values()) {
      for (const { labels, value, histogram } of family.metrics.values()) {
        samples.push({ family, labels, value: histogram?.value() ?? value });
      }
    }
    return samples;
  }

  /** @throws TritonError INVALID_ARG where lines of two families would bear one name. */
  #refuseClash(family: MetricFamily): void {
    const lines = linesOf(family);
    const taken =
      lines.some((line) => this.#reserved.has(line)) ||
      [...this.#families.values()].some((other) =>
        linesOf(other).some((line) => lines.includes(line)),
      );
    if (taken) throw invalid(`Family name '${family.name}' is in use by another family`);
  }
}

function linesOf({ name, type }: MetricFamily): string[] {
  if (type !== 'histogram' && type !== 'summary') return [name];
  return histogramSuffixes.map((suffix) => name + suffix);
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}
