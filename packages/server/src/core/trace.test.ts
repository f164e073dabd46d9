import { expect, test } from 'vitest';
import { type Trace, traceIdOf } from './trace.ts';

test.each([
  ['', '7'],
  [
    '{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}',
    '0af7651916cd43dd8448eb211c80319c',
  ],
  ['{"traceparent":"nonsense"}', '7'],
])('a trace with the context %s is found by %s', (context, id) => {
  expect(traceIdOf({ id: 7, context } as Trace)).toBe(id);
});

test('no trace has no id', () => {
  expect(traceIdOf(null)).toBeNull();
});
