import { expect, it } from 'vitest';
import { textFor, visibleText } from './visible-text.ts';

it.each([
  ['plain\ttext\n', 'plain\ttext\n'],
  ['\u001b[2J', '\\u001b[2J'],
  // CSI in one character, and what turns the direction of text around.
  ['\u009b2J', '\\u009b2J'],
  ['\u202eexe.txt', '\\u202eexe.txt'],
])('shows what a terminal would act on: %j', (text, shown) => {
  expect(visibleText(text)).toBe(shown);
  expect(textFor({ isTerminal: true }, text)).toBe(shown);
  expect(textFor({ isTerminal: false }, text)).toBe(text);
});
