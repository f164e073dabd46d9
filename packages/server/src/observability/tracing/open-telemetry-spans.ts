import type { Context, HrTime, Span } from '@opentelemetry/api';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Trace, TraceActivity, TracedRequest } from '../../core/trace.ts';
import type { FrontEndTrace, HeaderLookup } from './front-end-trace.ts';
import type { OpenTelemetrySdk } from './open-telemetry-sdk.ts';
import type { OpenTelemetrySettings } from './open-telemetry-settings.ts';
import type { ParentSpan, SpanSource } from './span-source.ts';
import { parseTraceParent, traceContextText } from './trace-context.ts';
import type { TraceLevel } from './trace-setting-values.ts';

/**
 * Mode `opentelemetry`: the spans and attributes that Triton makes, `InferRequest` for the request as a
 * whole, one of the model's name for each model, and `compute` for its execution, with the times of
 * Triton's traces as events. The SDK is loaded when the server starts with this mode, and batches and
 * exports the spans off the requests' path.
 */
export class OpenTelemetrySpans implements SpanSource {
  readonly #settings: OpenTelemetrySettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sdk: OpenTelemetrySdk | null = null;
  #toldOfTensors = false;

  constructor(settings: OpenTelemetrySettings, clock: Clock, logger: Logger) {
    this.#settings = settings;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Once, before the first request. */
  async start(): Promise<void> {
    const { openSdk } = await import('./open-telemetry-sdk.ts');
    this.#sdk = openSdk(this.#settings, this.#logger);
  }

  parentOf(headers: HeaderLookup): ParentSpan | null {
    const text = headers('traceparent');
    if (text === null) return null;
    return parseTraceParent(text, headers('tracestate') ?? '');
  }

  begin(
    parent: ParentSpan | null,
    level: TraceLevel,
    id: number,
    nextId: () => number,
  ): FrontEndTrace {
    if (this.#sdk === null) throw new Error('a request was traced before the server was started');
    if (level.tensors && !this.#toldOfTensors) {
      this.#toldOfTensors = true;
      this.#logger.error('Tensor level tracing is not supported by the mode: opentelemetry');
    }
    return new SpanTrace(
      {
        sdk: this.#sdk,
        clock: this.#clock,
        timestamps: level.timestamps,
        phases: this.#settings.phases,
        nextId,
      },
      parent,
      id,
    );
  }

  async close(): Promise<void> {
    await this.#sdk?.close();
  }
}

interface SpanTraceParts {
  readonly sdk: OpenTelemetrySdk;
  readonly clock: Clock;
  readonly timestamps: boolean;
  readonly phases: boolean;
  readonly nextId: () => number;
}

/** A sampled request: its outermost span, which ends with everything within it. */
class SpanTrace implements FrontEndTrace {
  readonly trace: Trace;
  readonly #parts: SpanTraceParts;
  readonly #times: SpanTimes;
  readonly #span: Span;
  #open = 1;
  #closed = false;

  constructor(parts: SpanTraceParts, parent: ParentSpan | null, id: number) {
    const { sdk, clock } = parts;
    this.#parts = parts;
    this.#times = new SpanTimes(clock);
    const startTime = this.#times.at(clock.nowNs());
    this.#span = sdk.startSpan('InferRequest', startTime, sdk.contextOf(parent), {});
    this.trace = new ModelSpans(this, id, 0, sdk.contextIn(this.#span));
  }

  get parts(): SpanTraceParts {
    return this.#parts;
  }

  timeAt(ns: number): HrTime {
    return this.#times.at(ns);
  }

  capture(name: string, ns: number = this.#parts.clock.nowNs()): void {
    if (!this.#closed && this.#parts.timestamps) this.#span.addEvent(name, this.timeAt(ns));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.ended();
  }

  /** @returns False where the request is over. */
  started(): boolean {
    if (this.#open === 0) return false;
    this.#open++;
    return true;
  }

  ended(): void {
    if (--this.#open === 0) this.#span.end(this.timeAt(this.#parts.clock.nowNs()));
  }
}

/** What of an execution ends with each of its times, as a span of its own. */
const computePhases: Partial<Readonly<Record<TraceActivity, string>>> = {
  COMPUTE_INPUT_END: 'compute_input',
  COMPUTE_OUTPUT_START: 'compute_infer',
  COMPUTE_END: 'compute_output',
};

/** The spans of one model's request. */
class ModelSpans implements Trace {
  readonly id: number;
  readonly #whole: SpanTrace;
  readonly #parentId: number;
  readonly #above: Context;
  #span: Span | null = null;
  #compute: Span | null = null;
  #within: Context;
  #context = '';
  /** Where the next phase begins: in the queue, or in the execution. */
  #phaseStart: HrTime | null = null;

  constructor(whole: SpanTrace, id: number, parentId: number, above: Context) {
    this.#whole = whole;
    this.id = id;
    this.#parentId = parentId;
    this.#above = above;
    this.#within = above;
  }

  get context(): string {
    return this.#context;
  }

  start({ modelName, modelVersion, id }: TracedRequest, ns: number): void {
    const { sdk, timestamps } = this.#whole.parts;
    // As in Triton: times are what spans are made of.
    if (!timestamps || !this.#whole.started()) return;
    const span = sdk.startSpan(modelName, this.#whole.timeAt(ns), this.#above, {
      'triton.model_name': modelName,
      'triton.model_version': modelVersion,
      'triton.trace_id': this.id,
      'triton.trace_parent_id': this.#parentId,
      ...(id === '' ? {} : { 'triton.request_id': id }),
    });
    this.#span = span;
    this.#within = sdk.contextIn(span);
    this.#context = traceContextText(span.spanContext());
    span.addEvent('REQUEST_START', this.#whole.timeAt(ns));
  }

  report(activity: TraceActivity, ns: number): void {
    if (this.#span === null) return;
    const time = this.#whole.timeAt(ns);
    if (this.#whole.parts.phases) this.#tellPhase(activity, time);
    if (activity === 'COMPUTE_START') {
      this.#compute = this.#whole.parts.sdk.startSpan('compute', time, this.#within, {});
    }
    (this.#compute ?? this.#span).addEvent(activity, time);
    if (this.#whole.parts.phases) this.#phaseStart = time;
    if (activity !== 'COMPUTE_END') return;
    this.#compute?.end(time);
    this.#compute = null;
  }

  /** The queue is a phase only of what is executed: what an ensemble waits for are its steps. */
  #tellPhase(activity: TraceActivity, time: HrTime): void {
    const name = activity === 'COMPUTE_START' ? 'queue' : computePhases[activity];
    const startTime = this.#phaseStart;
    if (name === undefined || startTime === null) return;
    const { sdk } = this.#whole.parts;
    const above = this.#compute === null ? this.#within : sdk.contextIn(this.#compute);
    sdk.startSpan(name, startTime, above, {}).end(time);
  }

  reportTensors(): void {}

  child(): Trace {
    return new ModelSpans(this.#whole, this.#whole.parts.nextId(), this.id, this.#within);
  }

  end(ns: number): void {
    const span = this.#span;
    if (span === null) return;
    const time = this.#whole.timeAt(ns);
    this.#compute?.end(time);
    span.addEvent('REQUEST_END', time);
    span.end(time);
    this.#span = null;
    this.#whole.ended();
  }
}

/** Turns the clock's times into dates that keep the distances between them, whatever the date does. */
class SpanTimes {
  readonly #originNs: number;
  readonly #originSecs: number;
  readonly #originRestNs: number;

  constructor(clock: Clock) {
    const wallMs = clock.wallMs();
    this.#originNs = clock.nowNs();
    this.#originSecs = Math.floor(wallMs / 1000);
    this.#originRestNs = (wallMs % 1000) * 1e6;
  }

  /** Seconds and nanoseconds since the Unix epoch. */
  at(ns: number): HrTime {
    const restNs = Math.round(this.#originRestNs + ns - this.#originNs);
    const carry = Math.floor(restNs / 1e9);
    return [this.#originSecs + carry, restNs - carry * 1e9];
  }
}
