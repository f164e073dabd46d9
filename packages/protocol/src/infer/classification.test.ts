import { describe, expect, it } from 'vitest';
import type { DataType } from '../data-type.ts';
import type { Tensor } from '../tensor.ts';
import { classify } from './classification.ts';

function tensor(dataType: DataType, shape: number[], values: ArrayBufferView): Tensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name: 'O', dataType, shape, data };
}

function textsOf({ data }: Tensor): string[] {
  const bytes = Buffer.from(data);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    texts.push(bytes.toString('utf8', at + 4, end));
    at = end;
  }
  return texts;
}

function classesOf(values: number[], count = values.length): string[] {
  return textsOf(
    classify(tensor('FP64', [values.length], new Float64Array(values)), count, null, false),
  );
}

describe('classification', () => {
  it('gives the best first, with labels where there are some', () => {
    const output = tensor('FP32', [4], new Float32Array([0.25, 3, -1, 2.5]));
    const classes = classify(output, 3, ['cat', 'dög', ''], false);
    expect(classes).toMatchObject({ name: 'O', dataType: 'BYTES', shape: [3] });
    expect(textsOf(classes)).toEqual(['3.000000:1:dög', '2.500000:3', '0.250000:0:cat']);
  });

  it('sorts each row of a batch by itself', () => {
    const output = tensor('INT32', [2, 3], new Int32Array([1, 2, 3, 30, 20, 10]));
    const classes = classify(output, 2, null, true);
    expect(classes.shape).toEqual([2, 2]);
    expect(textsOf(classes)).toEqual(['3:2', '2:1', '30:0', '20:1']);
  });

  it('takes the first dimension for classes where the model does not batch', () => {
    const output = tensor('UINT8', [2, 2], new Uint8Array([1, 9, 255, 9]));
    const classes = classify(output, 10, null, false);
    expect(classes.shape).toEqual([4]);
    expect(textsOf(classes)).toEqual(['255:2', '9:1', '9:3', '1:0']);
  });

  it('compares 64-bit integers exactly', () => {
    const values = new BigUint64Array([2n ** 64n - 1n, 2n ** 64n - 2n, 0n]);
    expect(textsOf(classify(tensor('UINT64', [3], values), 2, null, false))).toEqual([
      '18446744073709551615:0',
      '18446744073709551614:1',
    ]);
  });

  it('puts what has no order last', () => {
    expect(classesOf([Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])).toEqual(
      ['inf:2', '-1.000000:1', '-inf:3', 'nan:0'],
    );
    expect(classesOf([Number.NaN, 5, Number.NaN], 2)).toEqual(['5.000000:1', 'nan:0']);
  });

  it('writes six decimals as C does: half-way cases to the even one, zero with its sign', () => {
    expect(classesOf([1e21, 3 / 128, 1 / 128, -0, -1 / 128])).toEqual([
      '1000000000000000000000.000000:0',
      '0.023438:1',
      '0.007812:2',
      '-0.000000:3',
      '-0.007812:4',
    ]);
    expect(classesOf([123456.0000005, 0.1234567])).toEqual(['123456.000001:0', '0.123457:1']);
  });

  it('has equal values in the order of Triton, where they matter', () => {
    expect(classesOf(new Array(16).fill(1), 2)).toEqual(['1.000000:0', '1.000000:1']);
    expect(classesOf(new Array(1000).fill(1), 3)).toEqual([
      '1.000000:672',
      '1.000000:657',
      '1.000000:658',
    ]);
    expect(classesOf([...new Array(19).fill(1), 2], 1)).toEqual(['2.000000:19']);
  });

  it('has equal values of very many by their index', () => {
    const same = tensor('FP32', [70_000], new Float32Array(70_000));
    expect(textsOf(classify(same, 2, null, false))).toEqual(['0.000000:0', '0.000000:1']);
  });

  it('reads values that stand at any alignment', () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(new Float32Array([1, 2]).buffer), 1);
    const output: Tensor = { name: 'O', dataType: 'FP32', shape: [2], data: bytes.subarray(1) };
    expect(textsOf(classify(output, 1, null, false))).toEqual(['2.000000:1']);
  });

  it('answers with every class of the largest output', () => {
    const values = Float32Array.from({ length: 1_000_000 }, (_, i) => i % 1000);
    const classes = classify(tensor('FP32', [1_000_000], values), 1_000_000, null, false);
    const texts = textsOf(classes);
    expect(texts.slice(0, 2)).toEqual(['999.000000:999', '999.000000:1999']);
    expect(texts.slice(-2)).toEqual(['0.000000:998000', '0.000000:999000']);
    expect(texts).toHaveLength(1_000_000);
  });
});

describe('outputs without classes', () => {
  it.each<DataType>(['BOOL', 'FP16', 'BF16', 'BYTES'])('refuses %s', (dataType) => {
    expect(() => classify(tensor(dataType, [1], new Uint8Array(8)), 1, null, false)).toThrow(
      `class result not available for output due to unsupported type '${dataType}'`,
    );
  });

  it('refuses more classes than fit into an answer', () => {
    const large = tensor('UINT8', [3, 1_000_000], new Uint8Array(3_000_000));
    expect(() => classify(large, 1_000_000, null, true)).toThrow(
      "classification of output 'O' would have 3000000 classes, at most 2000000 are possible",
    );
    expect(classify(large, 1, null, true).shape).toEqual([3, 1]);
  });

  it('refuses outputs that are too large or empty', () => {
    const large = tensor('UINT8', [1_000_001], new Uint8Array(1_000_001));
    expect(() => classify(large, 1, null, false)).toThrow('classification output tensor too large');
    expect(() => classify(tensor('FP32', [0], new Uint8Array(0)), 1, null, false)).toThrow(
      "class result not available for output 'O': it has no elements",
    );
    expect(() => classify(tensor('FP32', [2, 0], new Uint8Array(0)), 1, null, true)).toThrow(
      'it has no elements',
    );
  });
});
