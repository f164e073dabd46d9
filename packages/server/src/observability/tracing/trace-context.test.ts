import { createTraceState } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { parseTraceParent, traceContextText } from './trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

describe('traceparent', () => {
  it.each([
    [`00-${traceId}-${spanId}-01`, 1],
    [`00-${traceId}-${spanId}-00`, 0],
    [`cc-${traceId}-${spanId}-01-what-the-future-brings`, 1],
    [` 00-${traceId}-${spanId}-01 `, 1],
  ])('%s is read', (text, traceFlags) => {
    expect(parseTraceParent(text, 'a=b')).toEqual({
      traceId,
      spanId,
      traceFlags,
      traceState: 'a=b',
    });
  });

  it.each([
    '',
    '00',
    `00-${traceId}-${spanId}`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}-${spanId}-0`,
    `00-${traceId}-${spanId}-01\r\nx: y`,
    'a'.repeat(100_000),
  ])('%.60s is none', (text) => {
    expect(parseTraceParent(text, '')).toBeNull();
  });

  it('comes without a state that is too long', () => {
    const state = `a=${'b'.repeat(1000)}`;
    expect(parseTraceParent(`00-${traceId}-${spanId}-01`, state)?.traceState).toBe('');
  });

  it('is written for calls that leave the server', () => {
    const context = { traceId, spanId, traceFlags: 1 };
    expect(JSON.parse(traceContextText(context))).toEqual({
      traceparent: `00-${traceId}-${spanId}-01`,
    });
    const traceState = createTraceState('a=b,c=d');
    expect(JSON.parse(traceContextText({ ...context, traceState }))).toEqual({
      traceparent: `00-${traceId}-${spanId}-01`,
      tracestate: 'a=b,c=d',
    });
  });
});
