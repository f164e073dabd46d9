import { describe, expect, it } from 'vitest';
import { cpuTimeMs } from '../../../test-kit/src/cpu-time.ts';
import { TritonError } from '../triton-error.ts';
import { JsonReader } from './json-reader.ts';
import { JsonDouble, JsonSpan, type JsonValue } from './json-value.ts';
import { parseJson, readJson } from './parse-json.ts';

function read(text: string): JsonValue {
  return readJson(Buffer.from(text));
}

function faultOf(text: string | Buffer): string {
  try {
    readJson(Buffer.from(text));
  } catch (failure) {
    expect(failure).toBeInstanceOf(TritonError);
    expect((failure as TritonError).code).toBe('INTERNAL');
    return (failure as TritonError).message.replace(
      'failed to parse the request JSON buffer: ',
      '',
    );
  }
  throw new Error(`no fault in ${text}`);
}

describe('numbers', () => {
  it('keeps integers of 64 bits exactly, and tells them from doubles', () => {
    expect(read('[0,-0,7,-12,9007199254740993]')).toEqual([0, 0, 7, -12, 9007199254740993n]);
    expect(read('[-9223372036854775808,18446744073709551615]')).toEqual([
      -9223372036854775808n,
      18446744073709551615n,
    ]);
    expect(read('[1.0,1e3,-2.5E-1]')).toEqual([
      new JsonDouble(1),
      new JsonDouble(1000),
      new JsonDouble(-0.25),
    ]);
  });

  it('makes doubles of integers beyond 64 bits', () => {
    expect(read('18446744073709551616')).toEqual(new JsonDouble(2 ** 64));
    expect(read('-9223372036854775809')).toEqual(new JsonDouble(-(2 ** 63)));
    expect(read('123456789012345678901234567890')).toEqual(new JsonDouble(1.2345678901234568e29));
  });

  it('takes NaN, Inf and Infinity', () => {
    expect(read('[NaN,-NaN,Inf,-Inf,Infinity,-Infinity]')).toEqual([
      new JsonDouble(Number.NaN),
      new JsonDouble(Number.NaN),
      new JsonDouble(Number.POSITIVE_INFINITY),
      new JsonDouble(Number.NEGATIVE_INFINITY),
      new JsonDouble(Number.POSITIVE_INFINITY),
      new JsonDouble(Number.NEGATIVE_INFINITY),
    ]);
  });

  it.each([
    ['-', 'Invalid value. at 1'],
    ['+1', 'Invalid value. at 0'],
    ['.5', 'Invalid value. at 0'],
    ['1.', 'Miss fraction part in number. at 2'],
    ['1e', 'Miss exponent in number. at 2'],
    ['1e+', 'Miss exponent in number. at 3'],
    ['[1e400]', 'Number too big to be stored in double. at 1'],
    ['01', 'The document root must not be followed by other values. at 1'],
    ['nan', 'Invalid value. at 1'],
    ['Nan', 'Invalid value. at 2'],
    ['Infinit', 'Invalid value. at 7'],
  ])('says what is wrong with %s', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('reads a number of a million digits at once, and refuses it', () => {
    const spentMs = cpuTimeMs(() => {
      expect(faultOf(`{"x":${'7'.repeat(1_000_000)}}`)).toBe(
        'Number too big to be stored in double. at 5',
      );
    });
    expect(spentMs).toBeLessThan(1000);
  });
});

describe('strings', () => {
  it('decodes escapes and UTF-8', () => {
    expect(read(String.raw`"\"\\\/\b\f\n\r\t\u0041\u00e9\u4e16\ud83d\ude00é世😀"`)).toBe(
      '"\\/\b\f\n\r\tAé世😀é世😀',
    );
    expect(read('""')).toBe('');
  });

  it('gives the same string for what it has seen before, and another for another', () => {
    for (let round = 0; round < 3; round++) {
      expect(
        read('["INPUT0","INPUT1","INPUT0","a much longer name than is remembered here"]'),
      ).toEqual(['INPUT0', 'INPUT1', 'INPUT0', 'a much longer name than is remembered here']);
    }
  });

  it('does not check UTF-8', () => {
    expect(readJson(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toBe('\ufffd\ufffd');
  });

  it.each([
    ['"abc', 'Missing a closing quotation mark in string. at 4'],
    ['"a\nb"', 'Invalid escape character in string. at 2'],
    [String.raw`"\x"`, 'Invalid escape character in string. at 1'],
    [String.raw`"\u12g4"`, 'Incorrect hex digit after \\u escape in string. at 1'],
    [String.raw`"\ud800"`, 'The surrogate pair in string is invalid. at 1'],
    [String.raw`"\ud800\u0041"`, 'The surrogate pair in string is invalid. at 1'],
    ['"a\0"', 'Missing a closing quotation mark in string. at 2'],
  ])('says what is wrong with %j', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('takes a low surrogate alone', () => {
    expect(read(String.raw`"\udc00"`)).toBe('\ufffd\ufffd\ufffd');
  });
});

describe('structure', () => {
  it.each([
    ['', 'The document is empty. at 0'],
    ['  ', 'The document is empty. at 2'],
    ['{', 'Missing a name for object member. at 1'],
    ['{"a"', 'Missing a colon after a name of object member. at 4'],
    ['{"a":', 'Invalid value. at 5'],
    ['{"a":1', "Missing a comma or '}' after an object member. at 6"],
    ['{"a":1,}', 'Missing a name for object member. at 7'],
    ['{a:1}', 'Missing a name for object member. at 1'],
    ['[', 'Invalid value. at 1'],
    ['[1 2]', "Missing a comma or ']' after an array element. at 3"],
    ['[1,]', 'Invalid value. at 3'],
    ['{} x', 'The document root must not be followed by other values. at 3'],
    ['tru', 'Invalid value. at 3'],
  ])('says what is wrong with %j', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('finds the first of repeated members', () => {
    expect(read('{"a":1,"a":2}')).toEqual(new Map([['a', 1]]));
  });

  it('takes __proto__ and constructor for names like any other', () => {
    const value = parseJson(Buffer.from('{"__proto__":{"x":1},"constructor":2}')) as Record<
      string,
      unknown
    >;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('skips a byte order mark and stops at a NUL', () => {
    expect(readJson(Buffer.from('\ufeff[1]'))).toEqual([1]);
    expect(read('[1]\0garbage')).toEqual([1]);
  });

  it('refuses values nested too deep instead of overflowing the stack', () => {
    for (const text of ['['.repeat(1_000_000), '{"a":'.repeat(1_000_000)]) {
      expect(() => read(text)).toThrow('JSON nesting depth exceeds maximum allowed limit (100)');
    }
  });
});

describe('arrays that are left where they are', () => {
  function span(text: string): JsonValue | undefined {
    const value = new JsonReader(Buffer.from(text), 'data').read();
    return value instanceof Map ? value.get('data') : undefined;
  }

  it('says where the array stands', () => {
    expect(span('{"data": [1, [2, "]"], {"a":[3]}, true] }')).toEqual(new JsonSpan(9, 39));
    expect(span('{"data":[]}')).toEqual(new JsonSpan(8, 10));
    expect(span('{"data":[[],[[]]]}')).toEqual(new JsonSpan(8, 17));
    expect(span('{"data":7}')).toBe(7);
  });

  it('takes any depth', () => {
    const text = `{"data":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    expect(span(text)).toEqual(new JsonSpan(8, 1_000_008));
  });

  it.each([
    ['{"data":[1 2]}', "Missing a comma or ']' after an array element. at 11"],
    ['{"data":[1,]}', 'Invalid value. at 11'],
    ['{"data":[,1]}', 'Invalid value. at 9'],
    ['{"data":[[1]', "Missing a comma or ']' after an array element. at 12"],
    ['{"data":[1.x]}', 'Miss fraction part in number. at 11'],
    ['{"data":[[]', "Missing a comma or ']' after an array element. at 11"],
    ['{"data":["', 'Missing a closing quotation mark in string. at 10'],
  ])('checks the syntax of %s', (text, fault) => {
    expect(() => span(text)).toThrow(`failed to parse the request JSON buffer: ${fault}`);
  });
});
