import { describe, expect, test } from 'vitest';
import { chooseMetricsFormat } from './metrics-format.ts';

const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
  'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,' +
  'text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

describe('chooseMetricsFormat', () => {
  test.each([
    [null, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'prometheus'],
    [prometheus3, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['APPLICATION/OpenMetrics-Text; Version=1.0.0', 'openmetrics'],
    ['application/openmetrics-text; version=2.0.0', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=nonsense', 'prometheus'],
    ['application/openmetrics-text;q=0.1, text/plain;q=0.2', 'prometheus'],
    ['text/plain, application/openmetrics-text', 'prometheus'],
    ['application/openmetrics-text, text/plain', 'openmetrics'],
    [`application/openmetrics-text${' '.repeat(5000)}`, 'prometheus'],
  ])('%s: %s', (accept, format) => {
    expect(chooseMetricsFormat(accept)).toBe(format);
  });
});
