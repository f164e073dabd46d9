import { type OptionSpec, optionGroups } from './option-spec.ts';
import { optionTable } from './option-table.ts';

const columnsMax = 88;
const indent = '      ';

/** The text of --help: every flag, in Triton's groups. */
export function usageText(): string {
  const lines = ['Usage: tritonserver --model-repository <folder> [options]'];
  for (const group of optionGroups) {
    const specs = optionTable.filter((spec) => spec.group === group);
    if (group !== '') lines.push('', `${group}:`);
    for (const spec of specs) lines.push(heading(spec), ...wrapped(sentences(spec)));
  }
  return lines.join('\n') + '\n';
}

/** What the row says in words, as the usage text and the reference page have it. */
export function sentences(spec: OptionSpec): string {
  const parts = [spec.description];
  if (spec.deprecated !== null) parts.push(`Deprecated: ${spec.deprecated}.`);
  if (spec.honoured === 'accepted') parts.push(`Accepted only: ${spec.note}.`);
  else if (spec.note !== null) parts.push(`${capitalised(spec.note)}.`);
  return parts.join(' ');
}

function heading(spec: OptionSpec): string {
  const value = spec.argument === '' ? '' : ` <${spec.argument}>`;
  const shownDefault =
    spec.defaultText === null || spec.defaultText === '' ? '' : ` (default ${spec.defaultText})`;
  return `  --${spec.flag}${value}${shownDefault}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > columnsMax && line !== indent) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
