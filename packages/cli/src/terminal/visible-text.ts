import type { Output } from '../command/command.ts';

/** Control characters but tab and line feed, and what turns the direction of text around. */
const invisible = /(?![\t\n])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text from elsewhere for a terminal: what would move the cursor or change colours is shown as an escape.
 */
export function visibleText(text: string): string {
  return text.replace(
    invisible,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Text of a model: as it is, unless a terminal shows it. */
export function textFor({ isTerminal }: Pick<Output, 'isTerminal'>, text: string): string {
  return isTerminal ? visibleText(text) : text;
}
