import { helpText, withLabel } from './metric-labels.ts';
import {
  type HistogramValue,
  type MetricFamily,
  type MetricSample,
  metricTypes,
  type SummaryValue,
} from './metric-sample.ts';

/** The media type of the text format. Triton leaves out its version. */
export const prometheusContentType = 'text/plain; charset=utf-8';

/**
 * Writes samples in Prometheus' text format 0.0.4: families in order of type, then of first
 * appearance; a family without samples is left out, as by Triton's client library.
 */
export function prometheusText(samples: readonly MetricSample[]): string {
  return familiesInOrder(samples, sampleLines)
    .map(
      ({ family, lines }) =>
        `# HELP ${family.name} ${helpText(family.help)}\n` +
        `# TYPE ${family.name} ${family.type}\n` +
        lines.join(''),
    )
    .join('');
}

/** Lines of the samples by family, in the order in which families are written. */
export function familiesInOrder(
  samples: readonly MetricSample[],
  linesOf: (sample: MetricSample) => string,
): readonly { readonly family: MetricFamily; readonly lines: readonly string[] }[] {
  const byFamily = new Map<MetricFamily, string[]>();
  for (const sample of samples) {
    const lines = byFamily.get(sample.family);
    if (lines === undefined) byFamily.set(sample.family, [linesOf(sample)]);
    else lines.push(linesOf(sample));
  }
  const families = [...byFamily].map(([family, lines]) => ({ family, lines }));
  return metricTypes.flatMap((type) => families.filter(({ family }) => family.type === type));
}

function sampleLines({ family: { name }, labels, value }: MetricSample): string {
  if (typeof value === 'number') return `${name}${labels} ${numberText(value)}\n`;
  if (value.kind === 'summary') return summaryLines(name, labels, value);
  return histogramLines(name, labels, value);
}

/** Count and sum come first, as in the library that Triton uses. */
function histogramLines(name: string, labels: string, value: HistogramValue): string {
  const { bounds, counts, sum } = value;
  let lines = '';
  let cumulative = 0;
  for (let i = 0; i < counts.length; i++) {
    cumulative += counts[i] as number;
    const bound = numberText(bounds[i] ?? Number.POSITIVE_INFINITY);
    lines += `${name}_bucket${withLabel(labels, 'le', bound)} ${cumulative}\n`;
  }
  return `${name}_count${labels} ${cumulative}\n${name}_sum${labels} ${numberText(sum)}\n${lines}`;
}

/** The same in both formats. */
export function summaryLines(name: string, labels: string, value: SummaryValue): string {
  let lines = `${name}_count${labels} ${value.count}\n${name}_sum${labels} ${numberText(value.sum)}\n`;
  for (const [quantile, at] of value.quantiles) {
    lines += `${name}${withLabel(labels, 'quantile', numberText(quantile))} ${numberText(at)}\n`;
  }
  return lines;
}

/** A number as both formats write it. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
