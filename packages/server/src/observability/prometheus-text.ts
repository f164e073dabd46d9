/** The kinds of metric that are written, in the order in which Triton writes them. */
const metricTypes = ['counter', 'gauge'] as const;

export type MetricType = (typeof metricTypes)[number];

/** What a family is, apart from its values. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
}

/** One series of a family at one moment. `labels` is text made by `labelText`, '' for none. */
export interface MetricSample {
  readonly family: MetricFamily;
  readonly labels: string;
  readonly value: number;
}

/** Gives samples when it is asked to; nothing is kept ready for that. */
export interface MetricCollector {
  collect(): readonly MetricSample[];
}

/** The media type of the text format. Triton leaves out its version. */
export const prometheusContentType = 'text/plain; charset=utf-8';

/**
 * Writes samples in Prometheus' text format 0.0.4: families in order of type, then of first
 * appearance; a family without samples is left out, as by Triton's client library.
 */
export function prometheusText(samples: readonly MetricSample[]): string {
  const byFamily = new Map<MetricFamily, string[]>();
  for (const { family, labels, value } of samples) {
    const line = `${family.name}${labels} ${number(value)}\n`;
    const lines = byFamily.get(family);
    if (lines === undefined) byFamily.set(family, [line]);
    else lines.push(line);
  }
  const families = [...byFamily.keys()];
  return metricTypes
    .flatMap((type) => families.filter((family) => family.type === type))
    .map(
      (family) =>
        `# HELP ${family.name} ${helpText(family.help)}\n` +
        `# TYPE ${family.name} ${family.type}\n` +
        byFamily.get(family)!.join(''),
    )
    .join('');
}

/**
 * `{name="value",…}` sorted by name, as Triton's ordered map has it. Characters that no label name
 * may have become `_`, so that one odd model tag cannot make the whole page unreadable.
 */
export function labelText(labels: ReadonlyMap<string, string>): string {
  if (labels.size === 0) return '';
  const byName = new Map<string, string>();
  for (const [name, value] of labels) byName.set(labelName(name), value);
  const pairs = [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${labelValue(value)}"`);
  return `{${pairs.join(',')}}`;
}

function labelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_');
}

/**
 * The format has escapes for backslash, quote and line feed only. Other control characters would
 * reach terminals and readers that split lines at more than line feeds: they become visible text.
 */
function labelValue(value: string): string {
  return value
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/\n/g, '\\n')
    .replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
      return `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
}

function helpText(help: string): string {
  return help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
