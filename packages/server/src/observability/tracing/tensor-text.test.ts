import { encodeBytesTensor, type Tensor, toBfloat16Bits, toFloat16Bits } from '@nereid/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatText, tensorDataText } from './tensor-text.ts';

function text(dataType: Tensor['dataType'], data: ArrayBufferView): string {
  const bytes = new Uint8Array(
    data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  );
  return [...tensorDataText({ name: 'X', dataType, shape: [], data: bytes })].join('');
}

describe('floats', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [0.1, '0.1'],
    [1 / 3, '0.333333'],
    [123456, '123456'],
    [1234567, '1.23457e+06'],
    [999999.5, '1e+06'],
    [0.0001, '0.0001'],
    [0.00001234, '1.234e-05'],
    [1e100, '1e+100'],
    [-2.5, '-2.5'],
    [100000, '100000'],
    [Number.NaN, 'nan'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%d is printed as C++ prints it', (value, expected) => {
    expect(floatText(value)).toBe(expected);
  });

  it('are read back with six digits of precision', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const back = Number(floatText(value));
        expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 5.1e-6);
      }),
    );
  });
});

describe('tensors', () => {
  it.each<[Tensor['dataType'], ArrayBufferView, string]>([
    ['BOOL', new Uint8Array([0, 1, 2]), '0,1,1'],
    ['UINT8', new Uint8Array([0, 255]), '0,255'],
    ['INT8', new Int8Array([-128, 127]), '-128,127'],
    ['UINT16', new Uint16Array([65535]), '65535'],
    ['INT16', new Int16Array([-1]), '-1'],
    ['UINT32', new Uint32Array([4294967295]), '4294967295'],
    ['INT32', new Int32Array([-7, 7]), '-7,7'],
    ['UINT64', new BigUint64Array([2n ** 64n - 1n]), '18446744073709551615'],
    ['INT64', new BigInt64Array([-(2n ** 63n)]), '-9223372036854775808'],
    ['FP16', new Uint16Array([toFloat16Bits(0.5), toFloat16Bits(-2)]), '0.5,-2'],
    ['BF16', new Uint16Array([toBfloat16Bits(3)]), '3'],
    ['FP32', new Float32Array([1.5, 0.1]), '1.5,0.1'],
    ['FP64', new Float64Array([2.25]), '2.25'],
    ['FP32', new Float32Array([]), ''],
  ])('of %s', (dataType, data, expected) => {
    expect(text(dataType, data)).toBe(expected);
  });

  it('of strings are the inside of a JSON string, whatever they hold', () => {
    const odd = ['a', '', 'say "no"', '\\', '\n', 'ü', '","'];
    const inside = text('BYTES', encodeBytesTensor(odd));
    expect(JSON.parse(`"${inside}"`)).toBe(odd.map((element) => `"${element}"`).join(','));
    expect(text('BYTES', new Uint8Array([1, 0, 0, 0, 65, 9, 0, 0, 0, 66]))).toBe('\\"A\\"');
    expect(text('BYTES', new Uint8Array([1, 0]))).toBe('');
  });

  it('come in pieces', () => {
    const data = new Uint8Array(new Int32Array(10_000).fill(7).buffer);
    const pieces = [...tensorDataText({ name: 'X', dataType: 'INT32', shape: [10_000], data })];
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join('')).toBe('7,'.repeat(10_000).slice(0, -1));
  });
});
