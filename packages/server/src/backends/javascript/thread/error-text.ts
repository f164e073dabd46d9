import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TritonError } from '@nereid/model';
import type { StatusCode } from '@nereid/protocol';
import { syntaxErrorPlace } from './module-kind.ts';

const codes: Readonly<Record<StatusCode, true>> = {
  UNKNOWN: true,
  INTERNAL: true,
  NOT_FOUND: true,
  INVALID_ARG: true,
  UNAVAILABLE: true,
  UNSUPPORTED: true,
  ALREADY_EXISTS: true,
  CANCELLED: true,
};

/** How frames of the server's own code begin, which no user wants to see. */
const ownFrame = `  ${dirname(fileURLToPath(import.meta.url))}`;
/** Frames of a stack that a text tells. */
const framesMax = 10;
const textLengthMax = 16 * 1024;

/** One of ours, of whichever copy of the package. */
export function isTritonError(value: unknown): value is TritonError {
  if (!(value instanceof Error) || value.name !== 'TritonError') return false;
  return Object.hasOwn(codes, (value as { code?: string }).code ?? '');
}

/** An error that a model answers with. */
export function errorAnswer(error: Error): { code: StatusCode; message: string } {
  if (isTritonError(error)) return { code: error.code, message: cut(error.message) };
  return { code: 'INTERNAL', message: errorText(error) };
}

/** The answer to a request whose execution failed. @param thrown A text is one of ours, which needs no trace. */
export function executeError(
  thrown: unknown,
  instanceName: string,
): { code: StatusCode; message: string } {
  if (isTritonError(thrown)) return errorAnswer(thrown);
  const text = typeof thrown === 'string' ? thrown : errorText(thrown);
  const message = `Failed to process the request(s) for model '${instanceName}', message: ${text}`;
  return { code: 'INTERNAL', message };
}

/** What a model threw, with where: `TypeError: …`, then a line for each call of the model's own code. */
export function errorText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return cut(`the model threw ${describe(thrown)}`);
  const head = `${thrown.name}: ${thrown.message}`;
  const stack = thrown.stack ?? '';
  const place = syntaxErrorPlace(stack);
  const frames = stack
    .split('\n')
    .flatMap(frameText)
    .filter((line) => !line.startsWith(ownFrame))
    .slice(0, framesMax);
  if (place !== null) frames.unshift(`  ${place.file}(${place.line})`);
  return cut(frames.length === 0 ? head : `${head}\n\nAt:\n${frames.join('\n')}\n`);
}

/** `  /models/m/1/model.js(12): execute`, as Python's traces are told; nothing for Node's own calls. */
function frameText(line: string): string[] {
  const [, name, url, row] =
    /^\s*at (?:(.*) \()?(file:\/\/[^\s)]+?):(\d+):\d+\)?$/u.exec(line) ?? [];
  if (url === undefined) return [];
  return [`  ${pathOf(url)}(${row}): ${name ?? '<anonymous>'}`];
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url.replace(/\?.*$/u, ''));
  } catch {
    return url;
  }
}

function describe(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return typeof thrown;
  }
}

function cut(text: string): string {
  return text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text;
}
