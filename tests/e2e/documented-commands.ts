/** A command of a document, and what the document says that it prints. */
export interface DocumentedCommand {
  /** Line of the document at which the command begins, from 1. */
  readonly line: number;
  readonly script: string;
  /** Lines that its output contains, in any order; `…` stands for anything within a line. */
  readonly shows: readonly string[];
}

const mark = '<!-- test -->';

function isFence(line: string | undefined, language: string): boolean {
  return line?.trim() === '```' + language;
}

/** The lines of the fenced block that opens at `at`, and the index after its end. */
function block(lines: readonly string[], at: number): { body: string[]; end: number } {
  const close = lines.findIndex((line, i) => i > at && isFence(line, ''));
  if (close < 0) throw new Error(`the block at line ${at + 1} never ends`);
  return { body: lines.slice(at + 1, close), end: close + 1 };
}

function skipBlank(lines: readonly string[], at: number): number {
  let next = at;
  while (next < lines.length && lines[next]?.trim() === '') next++;
  return next;
}

/** The lines of a block of `text` that comes next, but for empty ones. */
function shownAfter(lines: readonly string[], at: number): string[] {
  const shown = skipBlank(lines, at);
  const shows = isFence(lines[shown], 'text') ? block(lines, shown).body : [];
  return shows.map((line) => line.trim()).filter((line) => line !== '');
}

/**
 * Finds the commands of a Markdown document that it promises to work: a block of `sh` after the comment
 * `<!-- test -->`, and the block of `text` after it, if there is one. Throws when a mark leads nowhere.
 */
export function documentedCommands(markdown: string): DocumentedCommand[] {
  const lines = markdown.split('\n');
  const found: DocumentedCommand[] = [];
  for (let at = lines.indexOf(mark); at >= 0; at = lines.indexOf(mark, at + 1)) {
    const open = skipBlank(lines, at + 1);
    if (!isFence(lines[open], 'sh')) throw new Error(`no block of sh after line ${at + 1}`);
    const script = block(lines, open);
    const shows = shownAfter(lines, script.end);
    found.push({ line: open + 1, script: script.body.join('\n'), shows });
  }
  return found;
}

/** A program of a document, and what the document says that it prints. */
export interface DocumentedProgram {
  /** Line of the document at which it begins, from 1. */
  readonly line: number;
  readonly source: string;
  readonly shows: readonly string[];
}

/** Finds every block of `ts` in a Markdown document, and the block of `text` after it, if there is one. */
export function documentedPrograms(markdown: string): DocumentedProgram[] {
  const lines = markdown.split('\n');
  const found: DocumentedProgram[] = [];
  for (const [at, line] of lines.entries()) {
    if (!isFence(line, 'ts')) continue;
    const { body, end } = block(lines, at);
    found.push({ line: at + 1, source: body.join('\n'), shows: shownAfter(lines, end) });
  }
  return found;
}

/** Whether a line of output contains what the document shows. */
export function outputShows(output: string, line: string): boolean {
  const pattern = line
    .split('…')
    .map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/gu, '\\$&'))
    .join('.*?');
  return new RegExp(pattern, 'u').test(output);
}
