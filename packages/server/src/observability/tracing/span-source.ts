import type { FrontEndTrace, HeaderLookup } from './front-end-trace.ts';
import type { TraceLevel } from './trace-setting-values.ts';

/** Makes the spans of mode `opentelemetry`. */
export interface SpanSource {
  /** The span of the client that the request belongs to, as its headers tell it; null for none. */
  parentOf(headers: HeaderLookup): ParentSpan | null;
  /** @param id Of the request's trace. @param nextId Numbers for the traces of requests that it leads to. */
  begin(
    parent: ParentSpan | null,
    level: TraceLevel,
    id: number,
    nextId: () => number,
  ): FrontEndTrace;
  /** Exports what there is. Never rejects. */
  close(): Promise<void>;
}

/** A span of another program: W3C Trace Context. */
export interface ParentSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly traceFlags: number;
  /** `tracestate`, '' for none. */
  readonly traceState: string;
}
