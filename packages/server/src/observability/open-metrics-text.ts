import { labelValue, withLabel } from './metric-labels.ts';
import type { Exemplar, HistogramValue, MetricFamily, MetricSample } from './metric-sample.ts';
import { familiesInOrder, numberText, summaryLines } from './prometheus-text.ts';

export const openMetricsContentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const totalSuffix = '_total';

/**
 * Writes samples in the OpenMetrics text format 1.0.0: what the other format cannot carry are the
 * exemplars of histograms.
 *
 * There the samples of a counter must end in `_total`. Triton's do not, and Prometheus asks for this
 * format first: a counter of another name is written with the type `unknown`, so that every series
 * keeps the name that dashboards look for.
 */
export function openMetricsText(samples: readonly MetricSample[]): string {
  const families = familiesInOrder(samples, sampleLines).map(({ family, lines }) => {
    const { name, type } = openMetricsFamily(family);
    return `# HELP ${name} ${labelValue(family.help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
  });
  return `${families.join('')}# EOF\n`;
}

function openMetricsFamily({ name, type }: MetricFamily): { name: string; type: string } {
  if (type !== 'counter') return { name, type };
  if (!name.endsWith(totalSuffix)) return { name, type: 'unknown' };
  return { name: name.slice(0, -totalSuffix.length), type };
}

function sampleLines({ family: { name }, labels, value }: MetricSample): string {
  if (typeof value === 'number') return `${name}${labels} ${numberText(value)}\n`;
  if (value.kind === 'summary') return summaryLines(name, labels, value);
  return histogramLines(name, labels, value);
}

function histogramLines(name: string, labels: string, value: HistogramValue): string {
  const { bounds, counts, sum, exemplars } = value;
  let lines = '';
  let cumulative = 0;
  for (let i = 0; i < counts.length; i++) {
    cumulative += counts[i] as number;
    const bound = boundText(bounds[i] ?? Number.POSITIVE_INFINITY);
    const exemplar = exemplarText(exemplars?.[i] ?? null);
    lines += `${name}_bucket${withLabel(labels, 'le', bound)} ${cumulative}${exemplar}\n`;
  }
  return `${lines}${name}_count${labels} ${cumulative}\n${name}_sum${labels} ${numberText(sum)}\n`;
}

/** Bounds are floating-point numbers here, and look it: `1.0`. */
function boundText(bound: number): string {
  return Number.isInteger(bound) && Math.abs(bound) < 1e21 ? `${bound}.0` : numberText(bound);
}

function exemplarText(exemplar: Exemplar | null): string {
  if (exemplar === null) return '';
  const { traceId, value, wallMs } = exemplar;
  return ` # {trace_id="${labelValue(traceId)}"} ${numberText(value)} ${wallMs / 1000}`;
}
