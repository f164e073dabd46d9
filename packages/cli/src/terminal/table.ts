import { visibleText } from './visible-text.ts';

/** A column: its title, and where its cells stand. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const gap = '  ';

/** Rows under titles. Nothing is cut off unless `columns` says how wide it may be. */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widthMax: number | null = null,
): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(oneLine))];
  const widths = columns.map((_, at) =>
    Math.max(...cells.map((row) => displayWidth(row[at] ?? ''))),
  );
  return cells
    .map((row) => {
      const line = columns.map(({ align }, at) => {
        const text = row[at] ?? '';
        const padding = ' '.repeat((widths[at] as number) - displayWidth(text));
        return align === 'right' ? padding + text : text + padding;
      });
      return `${cut(line.join(gap).trimEnd(), widthMax)}\n`;
    })
    .join('');
}

/** As much of a line as fits. */
export function cut(line: string, widthMax: number | null): string {
  if (widthMax === null || displayWidth(line) <= widthMax) return line;
  let width = 0;
  let kept = '';
  for (const character of line) {
    width += displayWidth(character);
    if (width > widthMax - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;
const none = /[\p{Mn}\p{Me}\p{Cf}]/gu;

/** Columns that a text takes on a terminal. */
export function displayWidth(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length + (text.match(wide)?.length ?? 0) - (text.match(none)?.length ?? 0);
}

function oneLine(text: string): string {
  return visibleText(text.replaceAll(/\s+/gu, ' '));
}
