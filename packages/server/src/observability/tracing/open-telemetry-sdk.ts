import {
  type Attributes,
  type Context,
  createTraceState,
  type HrTime,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../../core/logger.ts';
import type { OpenTelemetrySettings } from './open-telemetry-settings.ts';
import type { ParentSpan } from './span-source.ts';

/** How long the last export may take when the server ends. */
const closeMsMax = 5_000;

/** What spans are made with. */
export interface OpenTelemetrySdk {
  startSpan(name: string, startTime: HrTime, parent: Context, attributes: Attributes): Span;
  /** Where spans below `span` are made. */
  contextIn(span: Span): Context;
  /** Where spans below another program's span are made; the root for none. */
  contextOf(parent: ParentSpan | null): Context;
  /** Exports what there is. Never rejects. */
  close(): Promise<void>;
}

/** Brings OpenTelemetry's SDK along: to be imported only by servers with this mode, when they start. */
export function openSdk(settings: OpenTelemetrySettings, logger: Logger): OpenTelemetrySdk {
  const url = /^https?:\/\//.test(settings.url) ? settings.url : `http://${settings.url}`;
  const exporter = new ToldExporter(new OTLPTraceExporter({ url }), url, logger);
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: settings.queueSpansMax,
    scheduledDelayMillis: settings.exportDelayMs,
    maxExportBatchSize: Math.min(settings.exportSpansMax, settings.queueSpansMax),
  });
  const provider = new TracerProvider({
    // Which requests are traced is decided before there is a span.
    sampler: new AlwaysOnSampler(),
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(
        resourceFromAttributes({
          'service.name': 'triton-inference-server',
          ...settings.resource,
        }),
      ),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('triton-server');
  return {
    startSpan: (name, startTime, parent, attributes) =>
      tracer.startSpan(name, { kind: SpanKind.SERVER, startTime, attributes }, parent),
    contextIn: (span) => trace.setSpan(ROOT_CONTEXT, span),
    contextOf: (parent) =>
      parent === null
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.traceFlags,
            ...(parent.traceState === ''
              ? {}
              : { traceState: createTraceState(parent.traceState) }),
            isRemote: true,
          }),
    close: () => closeWithin(() => provider.shutdown(), logger),
  };
}

/** A collector that does not answer does not hold the end of the server up. */
async function closeWithin(close: () => Promise<void>, logger: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the collector does not answer')), closeMsMax);
  });
  try {
    await Promise.race([close(), late]);
  } catch (error) {
    logger.warning(`the last traces were not exported: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Says in the log when exports begin to fail, and when they work again. */
class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #url: string;
  readonly #logger: Logger;
  #failing = false;

  constructor(exporter: SpanExporter, url: string, logger: Logger) {
    this.#exporter = exporter;
    this.#url = url;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.#exporter.export(spans, (result) => {
      const failed = result.error !== undefined || result.code !== 0;
      if (failed && !this.#failing) {
        const reason = result.error === undefined ? 'no reason given' : messageOf(result.error);
        this.#logger.error(`traces cannot be exported to ${this.#url}: ${reason}`);
      }
      if (!failed && this.#failing) this.#logger.info(`traces are exported to ${this.#url} again`);
      this.#failing = failed;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
