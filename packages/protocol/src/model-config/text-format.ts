import textformat from 'protobufjs/ext/textformat.js';
import { type FieldPath, formatPath } from './message-value.ts';
import type { ModelConfig } from './model-config.ts';
import { ModelConfigError, ModelConfigValueError } from './model-config-error.ts';
import { modelConfigType } from './protobuf-types.ts';
import { fromProtobuf } from './protobuf-value.ts';
import { modelConfigSpec } from './schema.ts';
import { lineColumn, TextScan } from './text-scan.ts';

/** The longest configuration that is read, in bytes of UTF-8. */
export const modelConfigBytesMax = 524_288;

/**
 * Reads `config.pbtxt`: protobuf text format with all of its freedoms.
 * @param fileName path for messages
 * @throws ModelConfigError INTERNAL, as in Triton, `failed to read text proto from <file>:<line>:<column>: …`
 *   with what was found and how to mend it; INVALID_ARG when the text is too long or holds NUL.
 */
export function parseModelConfigText(text: string, fileName: string): ModelConfig {
  if (text.length > modelConfigBytesMax || Buffer.byteLength(text) > modelConfigBytesMax) {
    throw tooLong(fileName);
  }
  const nul = text.indexOf('\0');
  if (nul >= 0) {
    throw textError(
      'INVALID_ARG',
      text,
      fileName,
      [],
      nul,
      'a NUL byte',
      'save the file as plain text',
    );
  }
  try {
    const message = textformat.fromText(modelConfigType(), text);
    return fromProtobuf(modelConfigSpec, message, []) as unknown as ModelConfig;
  } catch (error) {
    throw explain(error, text, fileName);
  }
}

/**
 * Reads the bytes of a `config.pbtxt`.
 * @throws ModelConfigError as `parseModelConfigText`, and INVALID_ARG when they are not UTF-8.
 */
export function parseModelConfigBytes(bytes: Uint8Array, fileName: string): ModelConfig {
  if (bytes.length > modelConfigBytesMax) throw tooLong(fileName);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const lossy = new TextDecoder('utf-8').decode(bytes);
    const at = Math.max(0, lossy.indexOf('\uFFFD'));
    throw textError(
      'INVALID_ARG',
      lossy,
      fileName,
      [],
      at,
      'bytes that are not UTF-8',
      'save the file as UTF-8',
    );
  }
  return parseModelConfigText(text, fileName);
}

function tooLong(fileName: string): ModelConfigError {
  const fix = `keep it under ${modelConfigBytesMax} bytes`;
  return new ModelConfigError(
    'INVALID_ARG',
    `failed to read text proto from ${fileName}: longer than ${modelConfigBytesMax} bytes`,
    { file: fileName, line: null, column: null, field: '', fix },
  );
}

function explain(error: unknown, text: string, fileName: string): ModelConfigError {
  const target = error instanceof ModelConfigValueError ? error.path : [];
  const scan = new TextScan(text, target);
  const problem = scan.run();
  if (problem !== null) {
    return textError('INTERNAL', text, fileName, [], problem.offset, problem.problem, problem.fix);
  }
  if (error instanceof ModelConfigValueError) {
    const at = scan.targetOffset() ?? 0;
    return textError(
      'INVALID_ARG',
      text,
      fileName,
      target,
      at,
      error.message,
      'use a smaller value',
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  const line = Number(/ \(line (\d+)\)$/.exec(reason)?.[1] ?? 0) || null;
  const place = line === null ? fileName : `${fileName}:${line}`;
  return new ModelConfigError('INTERNAL', `failed to read text proto from ${place}: ${reason}`, {
    file: fileName,
    line,
    column: null,
    field: '',
    fix: reason,
  });
}

function textError(
  code: 'INTERNAL' | 'INVALID_ARG',
  text: string,
  fileName: string,
  path: FieldPath,
  offset: number,
  problem: string,
  fix: string,
): ModelConfigError {
  const { line, column } = lineColumn(text, offset);
  return new ModelConfigError(
    code,
    `failed to read text proto from ${fileName}:${line}:${column}: ${problem}; ${fix}`,
    { file: fileName, line, column, field: formatPath(path), fix },
  );
}

/**
 * Where a field stands in a configuration's text: itself, or the innermost field around it that is
 * written; null when there is none (a default, or a value that was completed).
 */
export function locateField(
  text: string,
  path: FieldPath,
): { line: number; column: number } | null {
  const scan = new TextScan(text, path);
  scan.run();
  const offset = scan.targetOffset();
  return offset === null ? null : lineColumn(text, offset);
}
