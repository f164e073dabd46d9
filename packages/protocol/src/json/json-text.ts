/** Characters that a JSON string cannot hold as they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes exactly these
const special = /["\\\u0000-\u001f]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes exactly these
const specials = /["\\\u0000-\u001f]/gu;

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** A string as rapidjson writes it: upper case in \u00XX, everything above control characters as it is. */
export function jsonStringLiteral(text: string): string {
  return special.test(text) ? `"${text.replace(specials, escapeOf)}"` : `"${text}"`;
}

function escapeOf(character: string): string {
  return (
    shortEscapes[character] ??
    `\\u00${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  );
}

/**
 * A double as rapidjson writes it: the shortest digits that read back as the same value, with `.0`
 * when nothing else shows that it is no integer; exponents without a plus; NaN and Infinity bare.
 */
export function jsonDoubleText(value: number): string {
  if (Number.isInteger(value)) {
    if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
    const text = String(value);
    return text.includes('e') ? text.replace('e+', 'e') : `${text}.0`;
  }
  return String(value);
}
