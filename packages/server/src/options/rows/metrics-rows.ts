import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { int32, OptionError, parseNumber, port } from '../option-value.ts';
import { parseMetricsSetting, parseNamedSetting, readableBy } from '../setting-format.ts';

const metrics = rowsOf('Metrics');
const tracing = rowsOf('Tracing');

/** What the server tells about itself while it runs. */
export const metricsRows: readonly OptionSpec[] = [
  metrics('allow-metrics', 'boolean', 'true', 'Serve Prometheus metrics.'),
  metrics('allow-gpu-metrics', 'boolean', 'true', 'Include metrics of the GPUs.', {
    honoured: 'accepted',
    note: 'there are no GPU metrics yet',
    quietText: 'false',
  }),
  metrics(
    'allow-cpu-metrics',
    'boolean',
    'true',
    'Include metrics of processor and memory, of the container where there is one.',
  ),
  metrics(
    'metrics-address',
    'text',
    null,
    'Address to listen on for metrics; without the flag that of --http-address.',
  ),
  metrics('metrics-port', 'integer', '8002', 'Port to listen on for metrics; 0 takes a free one.', {
    check: port,
  }),
  metrics(
    'metrics-interval-ms',
    'number',
    '2000',
    'Milliseconds between two samples of processor and memory.',
    {
      check: (value) =>
        parseNumber(value) > 0 ? null : 'Error: --metrics-interval-ms must be greater than 0.',
    },
  ),
  metrics(
    'metrics-config',
    'text',
    null,
    'A setting of the metrics: counter_latencies (true), summary_latencies (false), summary_quantiles (0.5:0.05,0.9:0.01,0.95:0.001,0.99:0.001,0.999:0.001), histogram_latencies (false).',
    {
      argument: 'string>=<string',
      repeatable: true,
      check: readableBy(parseMetricsSetting),
      note: 'counter_latencies=false stops every inference counter, as in Triton; histogram_latencies=true brings our histograms too',
    },
  ),
  tracing(
    'trace-config',
    'text',
    null,
    'A setting of request tracing: level, rate, count and mode, or of one mode, as in triton,file=<path> and opentelemetry,url=<url>.',
    {
      argument: 'string>,<string>=<string',
      repeatable: true,
      check: readableBy(traceSetting),
      honoured: 'accepted',
      note: 'requests are not traced yet',
      quietText: 'level=OFF',
    },
  ),
];

/** Rows of the deprecated spelling of `--trace-config`. */
export const deprecatedTraceRows: readonly OptionSpec[] = (
  [
    ['trace-file', 'text', 'triton,file=<path>', 'File for traces.'],
    ['trace-level', 'text', 'level=<OFF|TIMESTAMPS|TENSORS>', 'What is traced.'],
    ['trace-rate', 'integer', 'rate=<n>', 'One request in so many is traced.'],
    ['trace-count', 'integer', 'count=<n>', 'How many requests are traced; -1 for any number.'],
    ['trace-log-frequency', 'integer', 'triton,log-frequency=<n>', 'Traces a file.'],
  ] as const
).map(([flag, kind, setting, description]) =>
  rowsOf('DEPRECATED')(flag, kind, null, description, {
    deprecated: `use --trace-config ${setting}`,
    honoured: 'accepted',
    note: 'requests are not traced yet',
    repeatable: flag === 'trace-level',
    check: kind === 'integer' ? int32 : null,
    quietText: flag === 'trace-level' ? 'OFF' : null,
  }),
);

function traceSetting(text: string): void {
  const { name } = parseNamedSetting('trace-config', 'trace mode', 'optional', text);
  if (!['', 'triton', 'opentelemetry'].includes(name.toLowerCase())) {
    throw new OptionError(
      `invalid value for trace mode option: ${name}. Available options are "triton" and "opentelemetry"`,
    );
  }
}
