import type { GivenOptions } from './given-options.ts';
import { OptionError, parseInteger } from './option-value.ts';
import type { TraceMode, TraceOptions } from './server-options.ts';
import { type NamedSetting, parseNamedSetting } from './setting-format.ts';

const int32Max = 2 ** 31 - 1;
const uint32Max = 2 ** 32 - 1;

/** Settings of OpenTelemetry's batch span processor, with the defaults of its specification. */
const batchSettings = [
  ['bsp_max_queue_size', '2048'],
  ['bsp_schedule_delay', '5000'],
  ['bsp_max_export_batch_size', '512'],
] as const;

/** Splits a value of `--trace-config`, and looks at its mode. @throws OptionError */
export function parseTraceSetting(text: string): NamedSetting {
  const setting = parseNamedSetting('trace-config', 'trace mode', 'optional', text);
  return setting.name === '' ? setting : { ...setting, name: traceMode(setting.name) };
}

/** `--trace-config` and its deprecated spellings together. @throws OptionError */
export function traceOptions(
  given: GivenOptions,
  env: Readonly<Record<string, string | undefined>>,
  warnings: string[],
): TraceOptions {
  const settings = given.all('trace-config').map(parseTraceSetting);
  const ofMode = (mode: string): [key: string, value: string][] =>
    settings.filter(({ name }) => name === mode).map(({ key, value }) => [key, value]);
  const global = ofMode('');
  const last = (list: readonly (readonly [string, string])[], key: string): string | null =>
    list.findLast(([name]) => name === key)?.[1] ?? null;
  const mode = traceMode(last(global, 'mode') ?? 'triton');
  const triton = mode === 'triton' ? ofMode('triton') : [];
  const overriding = (flag: string, value: string | null): string | null => {
    if (value === null) return given.textOrNull(flag);
    if (given.has(flag)) {
      warnings.push(`Overriding deprecated '--${flag}' in favor of the value in --trace-config!`);
    }
    return value;
  };
  const levels = global.filter(([key]) => key === 'level').map(([, value]) => value);
  return {
    ...traceLevels([...given.all('trace-level'), ...levels]),
    mode,
    rate: number('rate', overriding('trace-rate', last(global, 'rate')), 1000) >>> 0,
    count: number('count', overriding('trace-count', last(global, 'count')), -1),
    file: overriding('trace-file', last(triton, 'file')) ?? '',
    logFrequency:
      number(
        'triton,log-frequency',
        overriding('trace-log-frequency', last(triton, 'log-frequency')),
        0,
      ) >>> 0,
    modeSettings:
      mode === 'triton'
        ? triton.filter(([key]) => key !== 'file' && key !== 'log-frequency')
        : openTelemetrySettings(ofMode('opentelemetry'), env),
  };
}

/** Several levels add up; OFF wins over all. */
function traceLevels(texts: readonly string[]): { timestamps: boolean; tensors: boolean } {
  let [off, timestamps, tensors] = [false, false, false];
  for (const text of texts) {
    const level = text.toLowerCase();
    if (['false', 'off'].includes(level)) off = true;
    else if (['true', 'on', 'min', 'max', 'timestamps'].includes(level)) timestamps = true;
    else if (level === 'tensors') tensors = true;
    else throw new OptionError(`invalid value for trace level option: ${text}`);
  }
  return { timestamps: timestamps && !off, tensors: tensors && !off };
}

function traceMode(text: string): TraceMode {
  const mode = text.toLowerCase();
  if (mode === 'triton' || mode === 'opentelemetry') return mode;
  throw new OptionError(
    `invalid value for trace mode option: ${text}. Available options are "triton" and "opentelemetry"`,
  );
}

function number(setting: string, text: string | null, fallback: number): number {
  return text === null ? fallback : inRange(setting, text, -int32Max - 1, int32Max);
}

/** As given, in their order, and what was not given of the batch settings behind them. */
function openTelemetrySettings(
  given: readonly (readonly [string, string])[],
  env: Readonly<Record<string, string | undefined>>,
): (readonly [string, string])[] {
  const settings = [...given];
  for (const [key, fallback] of batchSettings) {
    const values = given.filter(([name]) => name === key);
    for (const [, value] of values) inRange(`opentelemetry,${key}`, value, 0, uint32Max);
    if (values.length > 0) continue;
    const variable = `OTEL_${key.toUpperCase()}`;
    const value = env[variable] ?? '';
    const text = value === '' ? fallback : value;
    settings.push([key, String(inRange(variable, text, 0, uint32Max))]);
  }
  return settings;
}

function inRange(setting: string, text: string, min: number, max: number): number {
  try {
    const value = parseInteger(text);
    if (value >= min && value <= max) return value;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new OptionError(`Bad option: "--trace-config ${setting}". ${error.message}`);
  }
  throw new OptionError(
    `Bad option: "--trace-config ${setting}". Provided option value is out of bound, which is ${min} to ${max}. Got ${text}`,
  );
}
