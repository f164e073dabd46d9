import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopScanner } from './stop-scanner.ts';

function scan(
  stops: readonly string[],
  pieces: readonly string[],
): { text: string; stopped: boolean } {
  const scanner = new StopScanner(stops);
  let text = '';
  for (const piece of pieces) {
    const scanned = scanner.push(piece);
    text += scanned.text;
    if (scanned.stopped) return { text, stopped: true };
  }
  return { text: text + scanner.rest(), stopped: false };
}

describe('StopScanner', () => {
  it.each([
    { stops: ['.'], pieces: ['a', 'b.c'], text: 'ab', stopped: true },
    { stops: ['END'], pieces: ['aE', 'N', 'D', 'b'], text: 'a', stopped: true },
    { stops: ['END'], pieces: ['aE', 'N', 'x'], text: 'aENx', stopped: false },
    { stops: ['END'], pieces: ['a', 'EN'], text: 'aEN', stopped: false },
    { stops: ['b', 'ab'], pieces: ['xab'], text: 'x', stopped: true },
    { stops: ['aab'], pieces: ['a', 'a', 'a', 'b'], text: 'a', stopped: true },
  ])('$stops in $pieces', ({ stops, pieces, text, stopped }) => {
    expect(scan(stops, pieces)).toEqual({ text, stopped });
  });

  it('does not depend on how the text is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    const stop = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(letters),
        fc.array(stop, { minLength: 1, maxLength: 3 }),
        (pieces, stops) => {
          const whole = pieces.join('');
          const ends = stops.map((s) => whole.indexOf(s)).filter((at) => at >= 0);
          const end = ends.length === 0 ? whole.length : Math.min(...ends);
          // A longer sequence that begins earlier may be whole only after a shorter one that begins later.
          const { text, stopped } = scan(stops, pieces);
          expect(stopped).toBe(ends.length > 0);
          if (stops.length === 1) expect(text).toBe(whole.slice(0, end));
          else expect(whole.startsWith(text)).toBe(true);
        },
      ),
    );
  });
});
