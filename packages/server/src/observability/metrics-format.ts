import { openMetricsContentType } from './open-metrics-text.ts';
import { prometheusContentType } from './prometheus-text.ts';

/** The forms in which the metrics page can be had. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

export const metricsContentTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: prometheusContentType,
  openmetrics: openMetricsContentType,
};

/** Longer headers are not looked at: no scraper sends them. */
const acceptLengthMax = 4096;

/**
 * What an Accept header asks for: OpenMetrics only where it is named and nothing else is liked
 * better; of two that are liked the same, the first.
 */
export function chooseMetricsFormat(accept: string | null): MetricsFormat {
  if (accept === null || accept.length > acceptLengthMax) return 'prometheus';
  let chosen: MetricsFormat = 'prometheus';
  let best = 0;
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const format = formatOf(type, parameters);
    const quality = qualityOf(parameters);
    if (format === null || quality <= best) continue;
    chosen = format;
    best = quality;
  }
  return chosen;
}

function formatOf(type: string, parameters: readonly string[]): MetricsFormat | null {
  if (type === 'text/plain' || type === 'text/*' || type === '*/*') return 'prometheus';
  if (type !== 'application/openmetrics-text') return null;
  const version = parameterOf(parameters, 'version');
  return version === null || version === '1.0.0' || version === '0.0.1' ? 'openmetrics' : null;
}

function qualityOf(parameters: readonly string[]): number {
  const text = parameterOf(parameters, 'q');
  if (text === null) return 1;
  const quality = Number(text);
  return quality >= 0 && quality <= 1 ? quality : 0;
}

function parameterOf(parameters: readonly string[], name: string): string | null {
  for (const parameter of parameters) {
    if (parameter.startsWith(`${name}=`)) return parameter.slice(name.length + 1);
  }
  return null;
}
