import type { LogFields } from '../core/logger.ts';

/** How lines look: Triton's own form, Triton's with a full date, or each a JSON object. */
export type LogFormat = 'default' | 'ISO8601' | 'json';

/** First letter of a line: error, warning, information (verbose messages too). */
export type LogLevel = 'E' | 'W' | 'I';

/** What a line begins with, up to and including the space before the message. Times are UTC. */
export function preamble(
  format: Exclude<LogFormat, 'json'>,
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

const levelNames: Readonly<Record<LogLevel, string>> = { E: 'error', W: 'warning', I: 'info' };

/** A line for programs. The time is UTC, to the millisecond. */
export function jsonLine(
  level: LogLevel,
  wallMs: number,
  pid: number,
  source: string,
  line: number,
  message: string,
  fields: LogFields,
): string {
  return visibleJson({
    time: new Date(wallMs).toISOString(),
    level: levelNames[level],
    pid,
    source,
    line,
    message,
    ...fields,
  });
}

/** Fields as text behind a message; values that are not plain words are quoted. */
export function fieldText(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      const text = String(value);
      return ` ${name}=${/^[\w.+:/-]+$/.test(text) ? text : JSON.stringify(text)}`;
    })
    .join('');
}

/**
 * A message as a JSON string, Triton's default. Beyond JSON's own escapes, what a terminal acts on
 * or a reader may take for a line's end is escaped too.
 */
export function escapeMessage(message: string): string {
  return visibleJson(message);
}

function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
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
