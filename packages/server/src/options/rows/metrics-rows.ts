import { type OptionSpec, rowsOf } from '../option-spec.ts';
import { parseNumber, port } from '../option-value.ts';
import { parseMetricsSetting, readableBy } from '../setting-format.ts';

const metrics = rowsOf('Metrics');

/** What the server tells about itself while it runs. */
export const metricsRows: readonly OptionSpec[] = [
  metrics('allow-metrics', 'boolean', 'true', 'Serve Prometheus metrics.'),
  metrics('allow-gpu-metrics', 'boolean', 'true', 'Include metrics of the GPUs.', {
    note: "read through NVML, which comes with NVIDIA's driver; without it there are none",
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
];
