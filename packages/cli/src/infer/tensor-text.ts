import { Buffer, isUtf8 } from 'node:buffer';
import { type InferResult, Tensor, type TensorDataOf } from '@nereid/client';
import { visibleText } from '../terminal/visible-text.ts';

/** More than this and only the first and the last of each row are shown. */
const elementsMax = 200;
const edge = 3;
const digits = 6;

/** A result for people: each output with its type and shape, then its elements. */
export function resultText(result: InferResult): string {
  return [...result.outputs].map(([name, output]) => outputText(name, output)).join('\n');
}

function outputText(name: string, output: Tensor): string {
  const head = `${visibleText(name)}  ${output.datatype} [${output.shape.join(', ')}]\n`;
  if (output.datatype === 'BYTES' && output.size === 1) {
    return `${head}${elementText(output, 0, false)}\n`;
  }
  return `${head}${rows(output, 0, 0, output.size > elementsMax, 0)}\n`;
}

/** Lists in lists, the innermost on one line. */
function rows(output: Tensor, axis: number, at: number, short: boolean, depth: number): string {
  const { shape } = output;
  const length = shape[axis];
  if (length === undefined) return elementText(output, at, true);
  const stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const isCut = short && length > 2 * edge;
  const shown = isCut
    ? [...Array(edge).keys(), null, ...Array.from({ length: edge }, (_, k) => length - edge + k)]
    : [...Array(length).keys()];
  const texts = shown.map((index) =>
    index === null ? '…' : rows(output, axis + 1, at + index * stride, short, depth + 1),
  );
  const separator = axis === shape.length - 1 ? ', ' : `,\n${' '.repeat(depth + 1)}`;
  return `[${texts.join(separator)}]`;
}

/** @param quoted As JSON; otherwise the text as it is. */
function elementText({ data, datatype }: Tensor, at: number, quoted: boolean): string {
  if (Array.isArray(data)) {
    const bytes = data[at] as Uint8Array;
    if (!isUtf8(bytes)) return `<${bytes.length} bytes>`;
    const text = Buffer.from(bytes).toString();
    return visibleText(quoted ? JSON.stringify(text) : text);
  }
  if (datatype === 'BOOL') return data[at] === 1 ? 'true' : 'false';
  if (datatype === 'FP16' || datatype === 'BF16') {
    const one = new Tensor(datatype, [1], data.slice(at, at + 1) as TensorDataOf['FP16']);
    return numberText(one.floats()[0] as number);
  }
  const value = data[at] as number | bigint;
  return typeof value === 'bigint' || !datatype.startsWith('FP')
    ? String(value)
    : numberText(value);
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : String(value);
}

/** A result for programs, as the HTTP API has it. Numbers that JSON lacks are null; bytes that are no text are in base64. */
export function resultJson(result: InferResult): string {
  const outputs = [...result.outputs].map(([name, output]) => {
    const elements = jsonElements(output);
    const head = JSON.stringify({ name, datatype: output.datatype, shape: output.shape });
    return `${head.slice(0, -1)},"data":${elements}}`;
  });
  const head = JSON.stringify({
    model_name: result.modelName,
    model_version: result.modelVersion,
    ...(result.id === '' ? {} : { id: result.id }),
  });
  return `${head.slice(0, -1)},"outputs":[${outputs.join(',')}]}`;
}

/** A list in JSON, with 64-bit integers exactly. */
export function jsonElements(output: Tensor): string {
  const { data, datatype } = output;
  if (Array.isArray(data)) {
    const texts = data.map((bytes) =>
      isUtf8(bytes)
        ? Buffer.from(bytes).toString()
        : { base64: Buffer.from(bytes).toString('base64') },
    );
    return JSON.stringify(texts);
  }
  if (datatype === 'BOOL')
    return JSON.stringify(Array.from(data as Uint8Array, (value) => value === 1));
  if (datatype === 'INT64' || datatype === 'UINT64') return `[${data.join(',')}]`;
  const numbers = datatype === 'FP16' || datatype === 'BF16' ? output.floats() : data;
  return JSON.stringify(Array.from(numbers as ArrayLike<number>, shortestFloat(datatype)));
}

/** A float of 32 bits has no more than nine digits that mean something. */
function shortestFloat(datatype: string): (value: number) => number {
  if (datatype !== 'FP32' && datatype !== 'FP16' && datatype !== 'BF16') return (value) => value;
  return (value) => {
    for (let precision = digits; precision < 9; precision++) {
      const short = Number(value.toPrecision(precision));
      if (Math.fround(short) === value) return short;
    }
    return value;
  };
}
