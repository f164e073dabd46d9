import { describe, expect, it } from 'vitest';
import { callerPlace, placeInStack } from './caller-place.ts';

function written(): ReturnType<typeof callerPlace> {
  return callerPlace(written, 'unknown');
}

it('tells from where a function was called', () => {
  const { file, line } = written();
  const here = new Error().stack?.split('\n')[1]?.match(/:(\d+):\d+\)?$/u)?.[1];
  expect([file, line]).toEqual(['caller-place.test.ts', Number(here) - 1]);
});

describe('the place in a stack', () => {
  const frame = 'Error\n    at Server.#start (file:///app/dist/chunk-AB.js:3:1205)';
  const places = { 'chunk-AB.js:3:1205': 'server-ports.ts:196' };

  it.each([
    ['of sources', '    at file:///app/src/a-b.ts:12:5', null, { file: 'a-b.ts', line: 12 }],
    ['of a method', '    at A.b (/app/src/a.ts:12:5)', null, { file: 'a.ts', line: 12 }],
    ['of Windows', '    at A.b (C:\\app\\a.ts:12:5)', null, { file: 'a.ts', line: 12 }],
    ['of a bundle', frame, places, { file: 'server-ports.ts', line: 196 }],
    ['of a bundle with its source map', '    at a (/a.ts:2:3)', {}, { file: 'a.ts', line: 2 }],
    ['that the build has not seen', frame, {}, null],
    ['of none', 'Error', null, null],
  ])('%s', (_, stack, known, place) => {
    expect(placeInStack(stack, known)).toEqual(place);
  });
});
