import { describe, expect, it } from 'vitest';
import { inferenceHeaderLength, plannedHeaderLength } from './inference-header-length.ts';

describe('Inference-Header-Content-Length', () => {
  it.each([
    ['304', 304],
    ['0304', 304],
    ['304x', 304],
    ['304.5', 304],
    [' +12', 12],
    ['1e9', 1],
    ['-0', 0],
    ['0', 0],
    ['', 0],
  ])('%j is read as %i', (value, length) => {
    expect(inferenceHeaderLength(value, 400)).toBe(length);
  });

  it.each(['-5', '401', '999999999'])('%j is out of range of the body', (value) => {
    expect(() => inferenceHeaderLength(value, 400)).toThrow(
      `inference header size should be in range (0, 400), got: ${value}`,
    );
  });

  it('must fit an int32', () => {
    expect(() => inferenceHeaderLength('9223372036854775808', 400)).toThrow(
      'Unable to parse Inference-Header-Content-Length, value is out of range [ -2147483648, 2147483647 ], got: 9223372036854775808',
    );
    expect(() => inferenceHeaderLength('2147483648', 400)).toThrow('out of range');
  });

  it('must begin with a number', () => {
    expect(() => inferenceHeaderLength('abc', 400)).toThrow(
      'Unable to parse Inference-Header-Content-Length, got: abc',
    );
  });

  it('plans nothing for a body whose header cannot be used', () => {
    expect(plannedHeaderLength('304')).toBe(304);
    expect(plannedHeaderLength('-1')).toBeNull();
    expect(plannedHeaderLength('abc')).toBeNull();
    expect(plannedHeaderLength('9223372036854775808')).toBeNull();
  });
});
