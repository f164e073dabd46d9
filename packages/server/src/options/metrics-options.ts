import type { GivenOptions } from './given-options.ts';
import type { MetricsOptions } from './server-options.ts';
import { parseMetricsSetting } from './setting-format.ts';

/** Environment variables, as `process.env` has them. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Triton's quantiles; the second number of each of its pairs, an error that it allows, is not needed here. */
const quantilesDefault = [0.5, 0.9, 0.95, 0.99, 0.999];

/**
 * @param env `TRITON_SERVER_CPU_ONLY`, whatever its value, leaves the GPUs alone, as in Triton.
 * @param warnings Gets what the log should say about the settings.
 */
export function metricsOptions(
  given: GivenOptions,
  env: Environment,
  httpAddress: string,
  warnings: string[],
): MetricsOptions {
  const allow = given.boolean('allow-metrics');
  const settings = given.all('metrics-config').map(parseMetricsSetting);
  // Triton looks for the words "false" and "true" only: counter_latencies=0 leaves the counters on.
  const says = (name: string, word: string): boolean =>
    settings.some(({ key, value }) => key === name && value === word);
  for (const { key } of settings.filter((setting) => !settingNames.includes(setting.key))) {
    warnings.push(
      `--metrics-config=${key} is not known and has no effect. Settings: ${settingNames.join(', ')}`,
    );
  }
  const address = given.textOrNull('metrics-address') ?? '';
  return {
    allow,
    address: address === '' ? httpAddress : address,
    port: given.integer('metrics-port'),
    cpu: allow && given.boolean('allow-cpu-metrics'),
    gpu: allow && given.boolean('allow-gpu-metrics') && env['TRITON_SERVER_CPU_ONLY'] === undefined,
    intervalMs: given.number('metrics-interval-ms'),
    counterLatencies: !says('counter_latencies', 'false'),
    latencies: {
      histograms: allow && says('histogram_latencies', 'true'),
      summaries: allow && says('summary_latencies', 'true'),
      quantiles: quantilesOf(settings, warnings),
    },
  };
}

const settingNames: readonly string[] = [
  'counter_latencies',
  'summary_latencies',
  'summary_quantiles',
  'histogram_latencies',
];

/** As in Triton, the last setting with a good pair counts, and bad pairs are left out. */
function quantilesOf(
  settings: readonly { readonly key: string; readonly value: string }[],
  warnings: string[],
): readonly number[] {
  let quantiles: readonly number[] = quantilesDefault;
  for (const { key, value } of settings) {
    if (key !== 'summary_quantiles') continue;
    const good = value.split(',').flatMap((pair) => quantileOf(pair, warnings));
    if (good.length > 0) quantiles = good;
  }
  return quantiles;
}

function quantileOf(pair: string, warnings: string[]): number[] {
  const colon = pair.indexOf(':');
  if (colon < 0) {
    warnings.push(
      `Invalid option: [${pair}]. No ':' delimiter found. Expected format is <quantile>:<error>`,
    );
    return [];
  }
  const [quantile, error] = [pair.slice(0, colon), pair.slice(colon + 1)].map(fraction);
  if (quantile === undefined || error === undefined || quantile === null || error === null) {
    warnings.push(`Invalid option: [${pair}]. Error: both must be numbers from 0 to 1`);
    return [];
  }
  return [quantile];
}

function fraction(text: string): number | null {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return value >= 0 && value <= 1 ? value : null;
}
