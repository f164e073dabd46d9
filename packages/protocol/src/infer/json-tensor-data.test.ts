import { describe, expect, it } from 'vitest';
import type { DataType } from '../data-type.ts';
import { JsonReader } from '../json/json-reader.ts';
import type { JsonSpan } from '../json/json-value.ts';
import { readTensorData } from './json-tensor-data.ts';

function read(dataType: DataType, count: number, data: string): Uint8Array {
  const json = Buffer.from(`{"data":${data}}`);
  const document = new JsonReader(json, 'data').read() as Map<string, JsonSpan>;
  return readTensorData(json, document.get('data') as JsonSpan, dataType, count);
}

function view<T>(
  data: Uint8Array,
  type: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
  elementBytes: number,
): T {
  return new type(data.buffer, data.byteOffset, data.byteLength / elementBytes);
}

describe('floats', () => {
  it('rounds decimal numbers of any length as the language does', () => {
    const texts = [
      '0',
      '-0.0',
      '1',
      '-1.5',
      '12.3456',
      '0.1',
      '3.4028234663852886e38',
      '1e-45',
      '1e400000',
      '16777217',
      '16777217.000000001',
      '0.10000000149011612',
      '123456789012345678901234567890',
      '0.000000000000000000000000000000123456789',
      '1.00000005960464477539',
      '8388608.5000000001',
      '1.000000059604644775390625',
      '1.0000000596046447753906250000001',
      '9007199254740993',
      '5e-324',
      '2.2250738585072011e-308',
      '179769313486231570000000000000000000000',
    ].filter((text) => Number.isFinite(Number(text)));
    const data = `[${texts.join(',')}]`;
    const numbers = texts.map((text) => (/^-?\d+$/.test(text) ? Number(text) + 0 : Number(text)));
    expect(Array.from(view(read('FP64', texts.length, data), Float64Array, 8))).toEqual(numbers);
    expect(Array.from(view(read('FP32', texts.length, data), Float32Array, 4))).toEqual(
      numbers.map(Math.fround),
    );
  });

  it('takes NaN and infinities, and integers', () => {
    const data = read('FP32', 6, '[NaN, Infinity, -Infinity, Inf, -7, 18446744073709551615]');
    expect(Array.from(view(data, Float32Array, 4))).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      -7,
      2 ** 64,
    ]);
  });

  it.each(['1e999', `1${'0'.repeat(310)}`, `-1${'0'.repeat(310)}.5`])(
    'takes a number too big for a fault of syntax, whatever the type',
    (number) => {
      for (const dataType of ['FP64', 'FP16', 'BYTES'] as const) {
        expect(() => read(dataType, 1, `[${number}]`)).toThrow(
          /^failed to parse the request JSON buffer: Number too big to be stored in double. at 9$/,
        );
      }
    },
  );
});

describe('integers', () => {
  it('keeps 64 bits exactly', () => {
    const signed = read(
      'INT64',
      4,
      '[-9223372036854775808,9223372036854775807,-1,9007199254740993]',
    );
    expect(Array.from(view(signed, BigInt64Array, 8))).toEqual([
      -(2n ** 63n),
      2n ** 63n - 1n,
      -1n,
      9007199254740993n,
    ]);
    const unsigned = read('UINT64', 2, '[18446744073709551615,-0]');
    expect(Array.from(view(unsigned, BigUint64Array, 8))).toEqual([2n ** 64n - 1n, 0n]);
  });

  it('wraps values that do not fit, as Triton does', () => {
    expect(Array.from(view(read('INT8', 3, '[128,-129,4294967296]'), Int8Array, 1))).toEqual([
      -128, 127, 0,
    ]);
    expect(Array.from(read('UINT8', 2, '[256,18446744073709551615]'))).toEqual([0, 255]);
    expect(Array.from(view(read('INT32', 1, '[9223372036854775807]'), Int32Array, 4))).toEqual([
      -1,
    ]);
  });

  it.each<[DataType, string, string]>([
    ['INT32', '[1.0]', 'non-signed-integer as signed-integer'],
    ['INT32', '[1e2]', 'non-signed-integer as signed-integer'],
    ['INT32', '["1"]', 'non-signed-integer as signed-integer'],
    ['INT32', '[NaN]', 'non-signed-integer as signed-integer'],
    ['INT32', '[null]', 'non-signed-integer as signed-integer'],
    ['INT64', '[9223372036854775808]', 'non-signed-integer as signed-integer'],
    ['UINT8', '[-1]', 'non-unsigned-integer as unsigned-integer'],
    ['UINT64', '[18446744073709551616]', 'non-unsigned-integer as unsigned-integer'],
    ['UINT64', '[true]', 'non-unsigned-integer as unsigned-integer'],
    ['FP32', '[true]', 'non-number as double'],
    ['FP64', '["NaN"]', 'non-number as double'],
    ['FP32', '[{}]', 'non-number as double'],
    ['BOOL', '[1]', 'non-boolean as boolean'],
  ])('refuses %s from %s', (dataType, data, problem) => {
    expect(() => read(dataType, 1, data)).toThrow(
      `Unable to parse 'data': attempt to access JSON ${problem}`,
    );
  });
});

describe('the number of elements', () => {
  it('takes nested arrays as one row', () => {
    expect(Array.from(read('UINT8', 6, '[[1,2],[[3],[]],4, [5 , [6]]]'))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(Array.from(read('BOOL', 2, '[[true],[false]]'))).toEqual([1, 0]);
  });

  it.each([1, 1023, 1024, 1025, 3000])('counts %d elements', (count) => {
    const data = `[${Array.from({ length: count }, (_, i) => i % 200).join(',')}]`;
    expect(read('UINT8', count, data)).toHaveLength(count);
    expect(() => read('UINT8', count - 1, data)).toThrow(
      "Unable to parse 'data': Shape does not match true shape of 'data' field",
    );
    expect(() => read('UINT8', count + 1, data)).toThrow(
      "Failed to parse 'data' field: shape does not match true shape",
    );
  });

  it('does not look at the type of an element too many', () => {
    expect(() => read('INT32', 1, '[1,"x"]')).toThrow('Shape does not match');
  });

  it.each<[DataType, string, string]>([
    ['FP32', '1', "Unable to parse 'data': "],
    ['BOOL', 'true', "Unable to parse 'data': "],
    ['BYTES', '"a"', ''],
  ])('takes %s 99 deep and not 100', (dataType, element, prefix) => {
    const nested = (depth: number): string => '['.repeat(depth) + element + ']'.repeat(depth);
    expect(read(dataType, 1, nested(99)).byteLength).toBeGreaterThan(0);
    expect(() => read(dataType, 1, nested(100))).toThrow(
      `${prefix}JSON nesting depth exceeds maximum allowed limit (100)`,
    );
  });
});

describe('strings', () => {
  it('puts the length of each before it', () => {
    const data = read('BYTES', 0, String.raw`["", ["é\n"], "\ud83d\ude00"]`);
    expect(Buffer.from(data).toString('latin1')).toBe(
      '\0\0\0\0\x03\0\0\0\xc3\xa9\n\x04\0\0\0\xf0\x9f\x98\x80',
    );
  });

  it('has room for a great many empty ones', () => {
    const data = read('BYTES', 0, `[${new Array(5000).fill('""').join(',')}]`);
    expect(data).toHaveLength(20_000);
  });

  it('takes bytes that are no UTF-8 as they are', () => {
    const json = Buffer.from('{"data":["\xff\x80"]}', 'latin1');
    const document = new JsonReader(json, 'data').read() as Map<string, JsonSpan>;
    const data = readTensorData(json, document.get('data') as JsonSpan, 'BYTES', 1);
    expect([...data]).toEqual([2, 0, 0, 0, 0xff, 0x80]);
  });

  it('refuses what is no string', () => {
    expect(() => read('BYTES', 1, '[1]')).toThrow(
      'Unable to parse JSON bytes array: attempt to access JSON non-string as string',
    );
  });
});

it('gives memory that native code can read in place', () => {
  for (const count of [1, 100, 5000]) {
    const data = read('FP64', count, `[${new Array(count).fill('1.5').join(',')}]`);
    expect(data.byteOffset % 8).toBe(0);
  }
});
