import { metricFamilies } from '../../packages/server/src/observability/metric-families.ts';
import { failureReasons } from '../../packages/server/src/observability/model-statistics.ts';
import { code, markdownTable, writtenNotice } from './markdown.ts';

const introduction = `# Metrics

\`GET /metrics\` on the metrics port (8002) answers in Prometheus' text format, or in OpenMetrics 1.0.0 where the \`Accept\` header
asks for that, as Prometheus does; \`GET /v2/metrics\` answers the same on the HTTP port. Names, help texts and labels of the
\`nv_\` families are Triton's. What begins with \`nereid_\` and \`process_\` is not Triton's.

Values are read from the statistics of the loaded models when a scrape comes; what must be sampled is, every
\`--metrics-interval-ms\`. Series appear with 0 when a model version is loaded and go when it is unloaded; a family without
series is left out.

Labels: \`model\` and \`version\`; \`namespace\` with \`--model-namespacing\`; \`_<tag>\` for each of \`metric_tags\` in the model's
configuration; \`reason\` is one of ${failureReasons.map(code).join(', ')}. Characters that a label's name cannot have become
\`_\`, control characters in a value become \`\\u001b\` and the like.

\`--metrics-config\` chooses what is kept of latencies:

- \`counter_latencies=false\`: the durations are left out and the inference counts stay 0, as in Triton.
- \`summary_latencies=true\`: quantiles over the last minute, each off by less than 1 % of its value. \`summary_quantiles=0.5:0.05,0.99:0.001\`
  chooses them; the number behind the colon, the error that Triton's algorithm may make, is read and not needed.
- \`histogram_latencies=true\`: Triton's histogram of first responses, and ours of every step of a request.

The buckets of a histogram of latencies are chosen in the model's configuration:

\`\`\`
model_metrics {
  metric_control: [ {
    metric_identifier { family: "nv_inference_first_response_histogram_ms" }
    histogram_options { buckets: [ 10, 50, 100, 500 ] }
  } ]
}
\`\`\`

In OpenMetrics the buckets of our histograms name the trace of the last traced request in them (an exemplar). There a counter whose
name does not end in \`_total\`, which is every counter of Triton's, has the type \`unknown\`: the format would have it renamed, and
every dashboard with it.`;

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
