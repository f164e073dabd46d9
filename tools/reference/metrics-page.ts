import { metricFamilies } from '../../packages/server/src/observability/metric-families.ts';
import { failureReasons } from '../../packages/server/src/observability/model-statistics.ts';
import { code, markdownTable, writtenNotice } from './markdown.ts';

const introduction = `# Metrics

\`GET /metrics\` on the metrics port (8002) answers in Prometheus' text format. Names, help texts and labels are Triton's.
Values are read from the statistics of the loaded models when a scrape comes; processor and memory are sampled every
\`--metrics-interval-ms\`. Series appear with 0 when a model version is loaded and go when it is unloaded; a family without
series is left out.

Labels: \`model\` and \`version\`; \`namespace\` with \`--model-namespacing\`; \`_<tag>\` for each of \`metric_tags\` in the model's
configuration; \`reason\` is one of ${failureReasons.map(code).join(', ')}. Characters that a label's name cannot have become
\`_\`, control characters in a value become \`\\u001b\` and the like.

With \`--metrics-config=counter_latencies=false\` the durations are left out and the inference counts stay 0, as in Triton.`;

/** docs/reference/metrics.md: every family. */
export function metricsPage(): string {
  const rows = metricFamilies.map((family) => [
    code(family.name),
    family.type,
    family.labels.map(code).join(', '),
    `${family.help.replace(/\.$/, '')}.`,
    family.when,
  ]);
  const table = markdownTable(['Family', 'Type', 'Labels', 'Meaning', 'When'], rows);
  return `${[writtenNotice, introduction, table].join('\n\n')}\n`;
}
