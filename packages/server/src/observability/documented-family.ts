import type { MetricFamily, MetricType } from './metric-sample.ts';

/** A family that the server writes, with what the reference page says about it. */
export interface DocumentedFamily extends MetricFamily {
  /** Names of the labels besides the tags of a model's configuration. */
  readonly labels: readonly string[];
  /** When there are series. */
  readonly when: string;
}

/** Labels of what belongs to a model version. */
export const modelLabels: readonly string[] = ['model', 'version', 'namespace'];

export function documentedFamily(
  name: string,
  type: MetricType,
  help: string,
  labels: readonly string[],
  when: string,
): DocumentedFamily {
  return { name, type, help, labels, when };
}
