import {
  type DataType,
  elementArrayTypes,
  fromBfloat16Bits,
  fromFloat16Bits,
  type Tensor,
} from '@nereid/protocol';

/** Elements that are turned into text in one go, so that the event loop is not held up. */
const sliceElements = 2048;
/** Bytes of strings that are turned into text in one go, and the string that exceeds them. */
const sliceBytes = 64 * 1024;
/** Bytes of the little-endian length before each string. */
const lengthBytes = 4;

type Numbers = ArrayLike<number> | ArrayLike<bigint>;

/**
 * The elements as Triton's trace files have them, as the inside of a JSON string: separated by commas,
 * floats with six digits as C++ prints them, strings in quotes. Other than Triton, 8-bit integers are
 * written as numbers and 16-bit floats are not left out, so that every file can be read.
 *
 * @param tensor Its data must be at the start of its memory.
 */
export function* tensorDataText({ dataType, data }: Tensor): Generator<string> {
  if (dataType === 'BYTES') {
    yield* stringsText(data);
    return;
  }
  const numbers = numbersOf(dataType, data);
  const textOf = elementText(dataType);
  for (let start = 0; start < numbers.length; start += sliceElements) {
    const end = Math.min(start + sliceElements, numbers.length);
    const texts: string[] = [];
    for (let at = start; at < end; at++) texts.push(textOf(numbers[at] as number | bigint));
    yield `${start === 0 ? '' : ','}${texts.join(',')}`;
  }
}

function numbersOf(
  dataType: Exclude<DataType, 'BYTES'>,
  { buffer, byteLength }: Uint8Array,
): Numbers {
  const view: NumbersView = elementArrayTypes[dataType];
  return new view(buffer, 0, Math.floor(byteLength / view.BYTES_PER_ELEMENT));
}

interface NumbersView {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Numbers;
}

function elementText(dataType: DataType): (element: number | bigint) => string {
  if (dataType === 'FP32' || dataType === 'FP64') return (element) => floatText(Number(element));
  if (dataType === 'FP16') return (element) => floatText(fromFloat16Bits(Number(element)));
  if (dataType === 'BF16') return (element) => floatText(fromBfloat16Bits(Number(element)));
  if (dataType === 'BOOL') return (element) => (element === 0 ? '0' : '1');
  return String;
}

/** As `printf("%g")` of C. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  }
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = ''] = value.toExponential(5).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return withoutZeros(value.toFixed(5 - exponent));
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return `${withoutZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`;
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Ends where a length says more than there is. */
function* stringsText(data: Uint8Array): Generator<string> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let text = '';
  let at = 0;
  while (at + lengthBytes <= bytes.length) {
    const start = at + lengthBytes;
    const end = start + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    const quoted = `"${bytes.toString('utf8', start, end)}"`;
    text += (at === 0 ? '' : ',') + JSON.stringify(quoted).slice(1, -1);
    at = end;
    if (text.length < sliceBytes) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
