import type { FieldSpec, MessageSpec } from '../message-schema.ts';
import { type FieldPath, formatPath } from './message-value.ts';
import { nearestName } from './nearest-name.ts';
import { modelConfigMessages, modelConfigSpec } from './schema.ts';
import { checkScalar } from './text-scalar.ts';
import { show, TextProblem, type TextToken, TextTokens } from './text-tokens.ts';

/**
 * Walks a configuration's text the way the parser does, to say where things are. protobuf.js's parser
 * makes the values but keeps no positions; this runs only when an error has to be explained.
 */
export class TextScan {
  readonly #tokens: TextTokens;
  readonly #target: FieldPath;
  #found = 0;
  #foundOffset: number | null = null;

  /** @param target the field whose place is wanted, [] for none */
  constructor(text: string, target: FieldPath) {
    this.#tokens = new TextTokens(text);
    this.#target = target;
  }

  /** The first thing that cannot be read, or null when all of the text is in order. */
  run(): TextProblem | null {
    try {
      this.#message(modelConfigSpec, null, []);
      return null;
    } catch (error) {
      if (error instanceof TextProblem) return error;
      throw error;
    }
  }

  /**
   * After `run`: where the target is written, or the innermost field around it. It is the offset of the
   * field's name, or of the element in a bracketed list; null when not even the outermost is there.
   */
  targetOffset(): number | null {
    return this.#foundOffset;
  }

  #message(spec: MessageSpec, open: TextToken | null, path: FieldPath): void {
    const close = open === null ? null : open.text === '{' ? '}' : '>';
    const seen = new Map<string, string>();
    const counts = new Map<string, number>();
    for (;;) {
      const token = this.#tokens.peek();
      if (token === null) {
        if (open === null) return;
        throw unclosed(open, this.#tokens.text);
      }
      if (close !== null && this.#tokens.skip(close)) return;
      this.#field(spec, path, seen, counts);
      if (this.#tokens.skip(',') || this.#tokens.skip(';')) {
        const extra = this.#tokens.peek();
        if (extra?.text === ',' || extra?.text === ';') {
          throw new TextProblem(extra.offset, `a second ${show(extra.text)}`, 'remove it');
        }
      }
    }
  }

  #field(
    spec: MessageSpec,
    path: FieldPath,
    seen: Map<string, string>,
    counts: Map<string, number>,
  ): void {
    const token = this.#tokens.next();
    if (token?.kind !== 'word' || !/^[A-Za-z_]\w*$/.test(token.text)) {
      throw notAName(token, this.#tokens.text, path);
    }
    const field = spec.byName.get(token.text);
    if (field === undefined) throw unknownField(token, spec, path);
    const fieldPath = [...path, field.name];
    if (field.rule === 'single') this.#single(field, token, fieldPath, seen);
    else this.#list(field, token, fieldPath, counts);
  }

  #single(field: FieldSpec, token: TextToken, path: FieldPath, seen: Map<string, string>): void {
    const before = seen.get(field.oneof ?? field.name);
    if (before !== undefined) {
      const problem =
        before === field.name
          ? `${formatPath(path)} is set a second time`
          : `${formatPath(path)} is set although ${before} is set, and only one of them may be`;
      throw new TextProblem(token.offset, problem, 'keep one of the two');
    }
    seen.set(field.oneof ?? field.name, field.name);
    this.#record(path, token.offset);
    this.#colon(field, token);
    const bracket = this.#tokens.peek();
    if (bracket?.kind === 'punct' && bracket.text === '[') {
      const problem = `a list for ${formatPath(path)}, which takes one value`;
      throw new TextProblem(bracket.offset, problem, 'write the value without [ ]');
    }
    this.#value(field, path);
  }

  #list(field: FieldSpec, token: TextToken, path: FieldPath, counts: Map<string, number>): void {
    this.#record(path, token.offset);
    this.#colon(field, token);
    const bracket = this.#tokens.peek();
    const listed = this.#tokens.skip('[');
    if (listed && this.#tokens.skip(']')) return;
    for (;;) {
      const index = counts.get(field.name) ?? 0;
      counts.set(field.name, index + 1);
      const element = this.#tokens.peek();
      const elementPath = field.rule === 'map' ? path : [...path, index];
      if (element !== null) this.#record(elementPath, listed ? element.offset : token.offset);
      if (field.rule === 'map') this.#mapEntry(field, path);
      else this.#value(field, elementPath);
      if (!listed || this.#tokens.skip(']')) return;
      if (this.#tokens.skip(',')) continue;
      const found = this.#tokens.peek();
      if (found === null) throw unclosed(bracket as TextToken, this.#tokens.text);
      const problem = `${show(found.text)} where the list ${formatPath(path)} needs ',' or ']'`;
      throw new TextProblem(found.offset, problem, 'separate the elements with commas');
    }
  }

  #colon(field: FieldSpec, name: TextToken): void {
    if (this.#tokens.skip(':') || field.rule === 'map' || field.content.kind === 'message') return;
    const found = this.#tokens.peek();
    const problem = `${found === null ? 'the end of the text' : show(found.text)} after ${name.text}`;
    const fix = `write ${name.text}: with a colon and the value`;
    throw new TextProblem(found?.offset ?? this.#tokens.text.length, problem, fix);
  }

  #value(field: FieldSpec, path: FieldPath): void {
    if (field.content.kind === 'message')
      this.#message(field.content.message, this.#open(path), path);
    else checkScalar(this.#tokens, field.content, path);
  }

  #open(path: FieldPath): TextToken {
    const token = this.#tokens.next();
    if (token?.kind === 'punct' && (token.text === '{' || token.text === '<')) return token;
    const found = token === null ? 'the end of the text' : show(token.text);
    throw new TextProblem(
      token?.offset ?? this.#tokens.text.length,
      `${found} where ${formatPath(path)} needs '{'`,
      `write ${String(path.findLast((part) => typeof part === 'string'))} { ... }`,
    );
  }

  /** `{ key: K value: V }`, in either order, either left out, the last of several counting. */
  #mapEntry(field: FieldSpec, path: FieldPath): void {
    const open = this.#open(path);
    const close = open.text === '{' ? '}' : '>';
    let key: string | null = null;
    for (;;) {
      const token = this.#tokens.next();
      if (token === null) throw unclosed(open, this.#tokens.text);
      if (token.kind === 'punct' && token.text === close) return;
      if (token.text === 'key') {
        this.#colon({ ...field, rule: 'single', content: keyContent(field) }, token);
        key = checkScalar(this.#tokens, keyContent(field), path);
        this.#record([...path, key], token.offset);
      } else if (token.text === 'value') {
        const single: FieldSpec = { ...field, rule: 'single' };
        this.#colon(single, token);
        this.#value(single, key === null ? path : [...path, key]);
      } else {
        const problem = `${show(token.text)} in an entry of ${formatPath(path)}`;
        throw new TextProblem(token.offset, problem, 'an entry is { key: ... value: ... }');
      }
      if (this.#tokens.skip(',') || this.#tokens.skip(';')) {
        const extra = this.#tokens.peek();
        if (extra?.text === ',' || extra?.text === ';') {
          throw new TextProblem(extra.offset, `a second ${show(extra.text)}`, 'remove it');
        }
      }
    }
  }

  #record(path: FieldPath, offset: number): void {
    if (path.length <= this.#found || path.length > this.#target.length) return;
    if (!path.every((part, index) => part === this.#target[index])) return;
    this.#found = path.length;
    this.#foundOffset = offset;
  }
}

function keyContent(field: FieldSpec): { kind: 'scalar'; scalar: 'string' | 'uint64' } {
  return { kind: 'scalar', scalar: field.keyType ?? 'string' };
}

function unclosed(open: TextToken, text: string): TextProblem {
  const close = open.text === '{' ? '}' : open.text === '<' ? '>' : ']';
  return new TextProblem(
    text.length,
    `the end of the text where ${show(close)} is needed`,
    `close the ${show(open.text)} of line ${lineColumn(text, open.offset).line}`,
  );
}

function notAName(token: TextToken | null, text: string, path: FieldPath): TextProblem {
  if (token === null) return new TextProblem(text.length, 'the end of the text', 'name a field');
  const inside = path.length === 0 ? '' : ` in ${formatPath(path)}`;
  const fix =
    token.text === '}' || token.text === '>' || token.text === ']'
      ? `remove it, or open it with ${show(token.text === '}' ? '{' : token.text === '>' ? '<' : '[')}`
      : 'write a field name, followed by its value';
  return new TextProblem(
    token.offset,
    `${show(token.text)} where a field name is needed${inside}`,
    fix,
  );
}

function unknownField(token: TextToken, spec: MessageSpec, path: FieldPath): TextProblem {
  const place = path.length === 0 ? 'the configuration' : formatPath(path);
  return new TextProblem(
    token.offset,
    `unknown field ${show(token.text)} in ${place}`,
    unknownFieldFix(token.text, spec),
  );
}

/** What to do about a field that its message does not have. */
export function unknownFieldFix(name: string, spec: MessageSpec): string {
  const near = nearestName(name, spec.byName.keys());
  if (near !== null) return `did you mean '${near}'?`;
  const owners = [...modelConfigMessages.values()].filter((message) => message.byName.has(name));
  if (owners.length > 0)
    return `'${name}' belongs in ${owners.map((owner) => owner.name).join(', ')}`;
  const names = [...spec.byName.keys()];
  if (names.length === 0) return 'it takes no fields';
  return names.length > 12 ? 'remove it' : `remove it; the fields here are ${names.join(', ')}`;
}

/** Line and column of an offset, both counted from 1. */
export function lineColumn(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = text.indexOf('\n', start);
    if (end < 0 || end >= offset) return { line, column: offset - start + 1 };
    line += 1;
    start = end + 1;
  }
}
