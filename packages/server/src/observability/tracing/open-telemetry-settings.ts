/** What the collectors of OpenTelemetry listen on. */
const exporterUrlDefault = 'http://localhost:4318/v1/traces';

/** What OpenTelemetry's exporter is made of. */
export interface OpenTelemetrySettings {
  readonly url: string;
  /** Attributes of the resource; the last of a name counts. */
  readonly resource: Readonly<Record<string, string>>;
  readonly queueSpansMax: number;
  readonly exportDelayMs: number;
  readonly exportSpansMax: number;
  /** Spans also of what a model's request goes through: its queue, and the parts of its execution. */
  readonly phases: boolean;
}

/** @param settings Names and values as given on the command line, batch settings complete. */
export function openTelemetrySettingsOf(
  settings: readonly (readonly [string, string])[],
): OpenTelemetrySettings {
  const last = (key: string): string => settings.findLast(([name]) => name === key)?.[1] ?? '';
  const resource: Record<string, string> = {};
  for (const [key, value] of settings) {
    if (key !== 'resource') continue;
    const equals = value.indexOf('=');
    // Triton takes a text without `=` for both, the name and the value.
    const name = equals < 0 ? value : value.slice(0, equals);
    resource[name] = value.slice(equals + 1);
  }
  return {
    url: last('url') === '' ? exporterUrlDefault : last('url'),
    resource,
    queueSpansMax: Number(last('bsp_max_queue_size')),
    exportDelayMs: Number(last('bsp_schedule_delay')),
    exportSpansMax: Number(last('bsp_max_export_batch_size')),
    phases: ['1', 'true'].includes(last('phases').toLowerCase()),
  };
}
