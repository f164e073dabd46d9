import { describe, expect, it } from 'vitest';
import { inferRequestOf } from './infer-request-rules.ts';
import { readInferRequest } from './infer-request-wire.ts';
import { encodeMessage } from './messages.ts';

function dataOf(message: Uint8Array): Buffer {
  const { inputs } = inferRequestOf(readInferRequest(message), {
    sharedMemory: () => new Uint8Array(0),
  });
  return Buffer.from(inputs[0]?.data ?? []);
}

function data(datatype: string, contents: object): Buffer {
  const inputs = [{ name: 'X', datatype, shape: [1], contents }];
  return dataOf(encodeMessage('inference.ModelInferRequest', { model_name: 'm', inputs }));
}

function bytesOf(array: ArrayBufferView): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

describe('typed contents', () => {
  it.each([
    ['BOOL', { bool_contents: [true, false, true] }, Uint8Array.of(1, 0, 1)],
    ['INT8', { int_contents: [-128, 127, 300] }, Int8Array.of(-128, 127, 44)],
    ['INT16', { int_contents: [-32768, 65537] }, Int16Array.of(-32768, 1)],
    [
      'INT32',
      { int_contents: [-(2 ** 31), -1, 2 ** 31 - 1] },
      Int32Array.of(2 ** 31, -1, 2 ** 31 - 1),
    ],
    ['UINT8', { uint_contents: [255, 256] }, Uint8Array.of(255, 0)],
    ['UINT16', { uint_contents: [65535, 70000] }, Uint16Array.of(65535, 4464)],
    ['UINT32', { uint_contents: [2 ** 32 - 1] }, Uint32Array.of(2 ** 32 - 1)],
    ['FP32', { fp32_contents: [0.1, Number.NaN, -0] }, Float32Array.of(0.1, Number.NaN, -0)],
    ['FP64', { fp64_contents: [0.1, 1e308] }, Float64Array.of(0.1, 1e308)],
    [
      'BYTES',
      { bytes_contents: [Buffer.from('ab'), Buffer.alloc(0)] },
      Buffer.from('\x02\0\0\0ab\0\0\0\0'),
    ],
  ])('of %s become its elements', (datatype, contents, expected) => {
    expect(data(datatype, contents)).toEqual(bytesOf(expected));
  });

  it('hold every bit of 64', () => {
    const numbers = [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n];
    const varints = numbers.map((number) => {
      const bytes: number[] = [];
      let rest = BigInt.asUintN(64, number);
      for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
      return Buffer.from([...bytes, Number(rest)]);
    });
    for (const [field, datatype] of [
      [0x1a, 'INT64'],
      [0x2a, 'UINT64'],
    ] as const) {
      const packed = Buffer.concat(varints);
      const contents = Buffer.concat([Buffer.from([field, packed.length]), packed]);
      const type = Buffer.from(`\x12${String.fromCharCode(datatype.length)}${datatype}`, 'latin1');
      const input = Buffer.concat([type, Buffer.from([0x2a, contents.length]), contents]);
      const message = Buffer.concat([Buffer.from([0x2a, input.length]), input]);
      expect(dataOf(message)).toEqual(bytesOf(BigInt64Array.from(numbers)));
    }
  });

  it('may come element by element, and in several pieces', () => {
    // INT32: 1 by itself, [2, 3] packed, 4 in a second `contents`.
    const message = Buffer.from('2a151205494e5433322a0810011202020310042a021005', 'hex');
    expect(dataOf(message)).toEqual(bytesOf(Int32Array.of(1, 2, 3, 4, 5)));
  });

  it('of another type are refused, as are two at a time', () => {
    const refused = (datatype: string, contents: object): string => {
      try {
        data(datatype, contents);
      } catch (failure) {
        return (failure as Error).message;
      }
      return 'none';
    };
    const prefix = "unexpected explicit tensor data for input tensor 'X' for model 'm'";
    expect(refused('INT64', { int_contents: [1] })).toBe(
      `${prefix} of type 'INT32', expected datatype 'INT64'`,
    );
    expect(refused('FP16', { fp32_contents: [1] })).toBe(
      `${prefix} of type 'FP32', expected datatype 'FP16'`,
    );
    expect(refused('FLOAT', { fp32_contents: [1] })).toBe(
      `${prefix} of type 'FP32', expected datatype '<invalid>'`,
    );
    expect(refused('INT32', { int_contents: [1], uint_contents: [1] })).toBe(
      `${prefix}, binary data was already supplied.`,
    );
    expect(data('INT32', { uint_contents: [] })).toHaveLength(0);
  });

  it('do not grow beyond their size, however they are cut', () => {
    const elements = 200_000;
    const contents = Buffer.alloc(2 * elements, Buffer.from([0x08, 0x01]));
    const length = (size: number): Buffer =>
      Buffer.from([(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14]);
    const input = Buffer.concat([
      Buffer.from('1204424f4f4c2a', 'hex'),
      length(contents.length),
      contents,
    ]);
    const message = Buffer.concat([Buffer.from([0x2a]), length(input.length), input]);
    expect(dataOf(message).equals(Buffer.alloc(elements, 1))).toBe(true);
  });
});
