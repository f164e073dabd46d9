import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './core/clock.ts';
import type { Log } from './observability/log.ts';
import { openTelemetrySettingsOf } from './observability/tracing/open-telemetry-settings.ts';
import { OpenTelemetrySpans } from './observability/tracing/open-telemetry-spans.ts';
import { TraceManager } from './observability/tracing/trace-manager.ts';
import type { TraceOptions } from './options/server-options.ts';

/** The tracing of a server, with what it needs to start and to end. */
export interface Tracing {
  readonly manager: TraceManager;
  /** Loads what the mode needs. */
  start(): Promise<void>;
  /** Writes and exports what there is. */
  close(): Promise<void>;
}

/** Makes the tracing that the command line asks for; off, it waits for a client to turn it on. */
export function openTracing(options: TraceOptions, clock: Clock, log: Log): Tracing {
  const logger = log.logger('tracing.ts');
  const { timestamps, tensors, rate, count, logFrequency, mode, file, modeSettings } = options;
  const spans =
    mode === 'opentelemetry'
      ? new OpenTelemetrySpans(openTelemetrySettingsOf(modeSettings), clock, logger)
      : null;
  const manager = new TraceManager({
    values: { level: { timestamps, tensors }, rate, count, logFrequency },
    target: { mode, file, modeSettings },
    clock,
    logger,
    spans,
    monotonicOffsetNs: process.hrtime.bigint() - BigInt(Math.round(clock.nowNs())),
  });
  return {
    manager,
    async start() {
      if (spans !== null) await spans.start();
      else if (file !== '') warnOfFolder(file, (text) => logger.warning(text));
    },
    close: () => manager.close(),
  };
}

/** Traces are written much later: what is wrong with the path is better said now. */
function warnOfFolder(file: string, warn: (text: string) => void): void {
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warn(`traces cannot be written to ${file}: ${reason}`);
  }
}
