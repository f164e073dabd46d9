/**
 * What protobuf's reader of JSON takes beyond JSON, a token each: strings in either quotes, with anything in
 * them; keys without quotes; a comma behind the last item. Numbers and words are left for `JSON.parse`, and so
 * is everything behind a quote that nothing closes.
 */
const tokens =
  /"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|["'][\s\S]*|([A-Za-z_$][\w$]*)(?=\s*:)|[A-Za-z_$][\w$]*|(,)(?=\s*[\]}])|,|[^"',A-Za-z_$]+/g;

/** Bare, they are values, not keys. */
const literals: ReadonlySet<string> = new Set(['true', 'false', 'null']);

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Writes as strict JSON what protobuf would read; the rest stays wrong. */
export function strictJson(text: string): string {
  return text.replaceAll(
    tokens,
    (token, double?: string, single?: string, key?: string, last?: string) => {
      const content = double ?? single;
      if (content !== undefined) return JSON.stringify(unescaped(content));
      if (key !== undefined) return literals.has(key) ? key : `"${key}"`;
      return last === undefined ? token : '';
    },
  );
}

/** A backslash before a character that needs none means nothing. */
function unescaped(content: string): string {
  return content.replaceAll(
    /\\(?:u([\da-fA-F]{4})|([\s\S]))/gu,
    (_, code?: string, character = '') =>
      code === undefined
        ? (escapes[character] ?? character)
        : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
