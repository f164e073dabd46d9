import { runPython } from './run-python.ts';

/** One line of a page, as Prometheus' Python library reads it. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: Readonly<Record<string, string>> | null;
}

export interface ReadPage {
  readonly contentType: string;
  /** By family, as the format has it: without `_total`. */
  readonly types: Readonly<Record<string, string>>;
  readonly samples: readonly ReadSample[];
}

/** Both forms of a metrics page, read by Prometheus' own parsers; throws where they refuse it. */
export async function readMetrics(
  url: string,
): Promise<{ readonly text: ReadPage; readonly openmetrics: ReadPage }> {
  const { status, output } = await runPython('read_metrics.py', [url]);
  if (status !== 0) throw new Error(`the page cannot be parsed:\n${output}`);
  return JSON.parse(output);
}

/** The value of the one sample of this name that has these labels, among others; null for none. */
export function sampleValue(
  page: ReadPage,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const found = page.samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} samples of ${name}`);
  return found[0]?.value ?? null;
}
