import type { SpanContext } from '@opentelemetry/api';
import type { ParentSpan } from './span-source.ts';

/** Version, trace id, span id and flags: section 3.2 of W3C Trace Context. */
const traceParent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Section 3.3.1.1: more than this need not be passed on. */
const traceStateCharsMax = 512;

/**
 * Reads the header `traceparent`.
 * @param traceState The header `tracestate`, '' for none.
 * @returns Null for one that is not valid, which counts as none.
 */
export function parseTraceParent(text: string, traceState: string): ParentSpan | null {
  const [, version = '', traceId = '', spanId = '', flags = '', more] =
    traceParent.exec(text.trim()) ?? [];
  if (version === '' || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    traceState: traceState.length > traceStateCharsMax ? '' : traceState,
  };
}

/** The headers that make a span the parent of another program's, as a JSON object. */
export function traceContextText({ traceId, spanId, traceFlags, traceState }: SpanContext): string {
  const flags = traceFlags.toString(16).padStart(2, '0');
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  const tracestate = traceState?.serialize() ?? '';
  return JSON.stringify(tracestate === '' ? { traceparent } : { traceparent, tracestate });
}
