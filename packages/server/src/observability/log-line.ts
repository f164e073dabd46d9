/** What a line begins with: Triton's own form, or a full date. */
export type LogFormat = 'default' | 'ISO8601';

/** First letter of a line: error, warning, information (verbose messages too). */
export type LogLevel = 'E' | 'W' | 'I';

/** What a line begins with, up to and including the space before the message. Times are UTC. */
export function preamble(
  format: LogFormat,
  level: LogLevel,
  wallMs: number,
  pid: number,
  source: string,
  line: number,
): string {
  const place = `${pid} ${source}:${line}] `;
  // 2026-01-02T15:04:05.123Z
  const iso = new Date(wallMs).toISOString();
  if (format === 'ISO8601') return `${iso.slice(0, 19)}Z ${level} ${place}`;
  const micros = String(Math.floor((wallMs % 1000) * 1000)).padStart(6, '0');
  const day = iso.slice(5, 7) + iso.slice(8, 10);
  return `${level}${day} ${iso.slice(11, 19)}.${micros} ${place}`;
}

/**
 * A message as a JSON string, Triton's default. Beyond JSON's own escapes, what a terminal acts on
 * or a reader may take for a line's end is escaped too.
 */
export function escapeMessage(message: string): string {
  return JSON.stringify(message).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
}

/** Text as it is, apart from control characters other than tab and line feed; further lines are indented so that none can pass for a log line. */
export function visibleText(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    if (character === '\t') return character;
    return character === '\n' ? '\n    ' : escaped(character);
  });
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
