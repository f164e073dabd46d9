import { expect, it } from 'vitest';
import { cut, displayWidth, tableText } from './table.ts';

it('sets cells under their titles', () => {
  const columns = [
    { title: 'MODEL' },
    { title: 'N', align: 'right' as const },
    { title: 'REASON' },
  ];
  expect(
    tableText(columns, [
      ['resnet', '12', 'a\nb\u001b[31m'],
      ['検出', '3', ''],
    ]),
  ).toBe('MODEL    N  REASON\nresnet  12  a b\\u001b[31m\n検出     3\n');
});

it('cuts at the width of the terminal', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('検出検出', 5)).toBe('検出…');
  expect(cut('abc', 3)).toBe('abc');
  expect(displayWidth('é検')).toBe(3);
});
