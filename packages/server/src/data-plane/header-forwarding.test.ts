import { defaultRequestParameters, TritonError } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { PatternError } from '../core/pattern/pattern-error.ts';
import { HeaderForwarding } from './header-forwarding.ts';

const forwarding = new HeaderForwarding('fwd-.*|keep_.*|sequence_id|triton_x|__proto__');

function custom(...headers: [string, string][]): [string, unknown][] {
  const { custom: parameters } = forwarding.forward(
    { ...defaultRequestParameters, custom: new Map([['fwd-a', { kind: 'int', value: 1 }]]) },
    headers,
  );
  return [...parameters].map(([name, { value }]) => [name, value]);
}

describe('header forwarding', () => {
  it('adds what a part of the name matches, in any case, under the name as sent', () => {
    const headers: [string, string][] = [
      ['Host', 'x'],
      ['FWD-Abc', 'V'],
      ['xx-fwd-b', '007'],
      ['fwd', 'no'],
      ['__proto__', 'p'],
    ];
    expect(custom(...headers)).toEqual([
      ['fwd-a', 1],
      ['FWD-Abc', 'V'],
      ['xx-fwd-b', '007'],
      ['__proto__', 'p'],
    ]);
    // The second time from memory.
    expect(custom(...headers)).toHaveLength(4);
  });

  it('lets a header take the place of a parameter', () => {
    expect(custom(['fwd-a', 'header'])).toEqual([['fwd-a', 'header']]);
  });

  it('reads values as UTF-8', () => {
    const value = Buffer.from('grün').toString('latin1');
    expect(custom(['fwd-c', value]).at(-1)).toEqual(['fwd-c', 'grün']);
  });

  it('gives the parameters themselves back where nothing matches', () => {
    expect(forwarding.forward(defaultRequestParameters, [['host', 'x']])).toBe(
      defaultRequestParameters,
    );
  });

  it.each(['sequence_id', 'triton_x'])('refuses %s', (name) => {
    expect(() => custom([name, '1'])).toThrow(TritonError);
    expect(() => custom([name, '1'])).toThrow(
      `Header '${name}' is reserved for Triton usage and cannot be forwarded.`,
    );
  });

  it('remembers no more names than it should', () => {
    const names = Array.from({ length: 5000 }, (_, i): [string, string] => [`fwd-${i}`, '']);
    expect(custom(...names)).toHaveLength(5001);
    expect(() => new HeaderForwarding('(')).toThrow(PatternError);
  });
});
