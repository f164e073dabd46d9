/**
 * `{name="value",…}` sorted by name, as Triton's ordered map has it. Characters that no label name
 * may have become `_`, so that one odd model tag cannot make the whole page unreadable.
 */
export function labelText(labels: ReadonlyMap<string, string>): string {
  if (labels.size === 0) return '';
  const byName = new Map<string, string>();
  for (const [name, value] of labels) byName.set(labelName(name), value);
  const pairs = [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${labelValue(value)}"`);
  return `{${pairs.join(',')}}`;
}

/** Adds the label that tells the series of a histogram or summary apart, behind the others. */
export function withLabel(labels: string, name: string, value: string): string {
  return labels === '' ? `{${name}="${value}"}` : `${labels.slice(0, -1)},${name}="${value}"}`;
}

function labelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_');
}

/**
 * The formats have escapes for backslash, quote and line feed only. Other control characters would
 * reach terminals and readers that split lines at more than line feeds: they become visible text.
 */
export function labelValue(value: string): string {
  return helpText(value).replace(/"/g, '\\"');
}

/** The text of a HELP line, where quotes stand for themselves. */
export function helpText(help: string): string {
  return help
    .replace(/\\/g, '\\\\')
    .replace(/\n/g, '\\n')
    .replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
      return `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
}
