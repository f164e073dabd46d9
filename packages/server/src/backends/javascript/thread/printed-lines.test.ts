import { expect, it } from 'vitest';
import { PrintedLines } from './printed-lines.ts';

it('gives lines with their level, and no more than a log can bear', () => {
  const posted: [string, string][] = [];
  const lines = new PrintedLines((level, line) => posted.push([level, line]));
  lines.log('ERROR', 'one\ntwo');
  lines.log('VERBOSE', 5);
  expect(posted).toEqual([
    ['ERROR', 'one'],
    ['ERROR', 'two'],
    ['VERBOSE', '5'],
  ]);
  posted.length = 0;
  for (let index = 0; index < 1000; index++) lines.log('INFO', 'x'.repeat(4000));
  expect(posted.length).toBeLessThan(200);
  lines.end();
  expect(posted.at(-1)?.[1]).toMatch(/^… \d+ bytes of output were left out$/u);
});
