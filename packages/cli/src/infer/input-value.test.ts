import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataType, Tensor, tensor } from '@nereid/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inputShape } from './input-shape.ts';
import { inputTensor } from './input-value.ts';
import { readNpy, writeNpy } from './npy.ts';
import { jsonElements } from './tensor-text.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-infer-'));
  writeFileSync(join(folder, 'cat.jpg'), Buffer.from([0xff, 0xd8, 0xff]));
  writeFileSync(join(folder, 'x.json'), '[[1, 2], [3, 4]]');
  writeFileSync(
    join(folder, 'written.json'),
    '{"datatype":"FP32","shape":[2,1,2],"data":[1,2,3,4]}',
  );
  writeFileSync(join(folder, 'x.bin'), Buffer.from(new Float32Array([1.5, 2.5]).buffer));
  writeFileSync(join(folder, 'x.npy'), writeNpy(tensor('FP64', [2, 2], [1, 2, 3, 4])));
});
afterAll(() => rmSync(folder, { recursive: true }));

const input = (
  datatype: DataType,
  shape: readonly number[],
  text: string,
  stated: readonly number[] | null = null,
): Tensor => inputTensor({ name: 'x', datatype, shape }, text, stated, folder);

describe('inputTensor', () => {
  it.each<[DataType, number[], string, number[], string]>([
    ['FP32', [-1, 2], '1,2', [1, 2], '[1,2]'],
    ['FP32', [-1, 2], '[[1,2],[3,4]]', [2, 2], '[1,2,3,4]'],
    ['FP32', [-1, 2, 2], 'x.json', [1, 2, 2], '[1,2,3,4]'],
    ['FP32', [-1, -1, -1], 'written.json', [2, 1, 2], '[1,2,3,4]'],
    ['INT8', [3], '-128,127,0', [3], '[-128,127,0]'],
    ['FP32', [2], '@x.bin', [2], '[1.5,2.5]'],
    ['FP32', [-1, -1], 'x.npy', [2, 2], '[1,2,3,4]'],
    ['FP16', [1], '0.5', [1], '[0.5]'],
    ['INT64', [1], '9007199254740993', [1], '[9007199254740993]'],
    ['UINT64', [1], '18446744073709551615', [1], '[18446744073709551615]'],
    ['BOOL', [2], 'true,false', [2], '[true,false]'],
    ['BYTES', [1], 'What is this? A cat.', [1], '["What is this? A cat."]'],
    ['BYTES', [-1, 1], '["a", "b"]', [2, 1], '["a","b"]'],
    ['BYTES', [1], '"cat.jpg"', [1], '["cat.jpg"]'],
    ['BYTES', [1], 'no/such/file', [1], '["no/such/file"]'],
    ['UINT8', [-1], 'cat.jpg', [3], '[255,216,255]'],
    ['UINT8', [-1, -1], 'cat.jpg', [1, 3], '[255,216,255]'],
    ['INT32', [], '7', [], '[7]'],
  ])('makes %s %j of %s', (datatype, shape, text, found, elements) => {
    const made = input(datatype, shape, text);
    expect(made.shape).toEqual(found);
    expect(jsonElements(made)).toBe(elements);
  });

  it('takes the bytes of a file for BYTES', () => {
    expect(input('BYTES', [1, 1], 'cat.jpg').data).toEqual([Buffer.from([0xff, 0xd8, 0xff])]);
  });

  it('goes by a shape that is stated', () => {
    expect(input('FP32', [-1, -1], '1,2,3,4', [2, 2]).shape).toEqual([2, 2]);
  });

  it.each<[DataType, number[], string, string]>([
    ['FP32', [3], '1,2', 'has the shape [3], into which 2 elements do not fit'],
    ['FP32', [-1, 2], '1,2,3', 'do not fit'],
    ['FP32', [-1], '[[1,2],[3]]', 'have different lengths'],
    ['FP32', [-1], '[1,[2]]', 'have different lengths'],
    ['FP32', [3, 2, 2], 'cat.jpg', 'is a picture'],
    ['FP32', [1], 'hello', "takes FP32 elements, not 'hello'"],
    ['FP32', [1], '@absent', 'there is no file'],
    ['INT32', [1], '1.5', '1.5 is no INT32'],
    ['INT32', [1], '99999999999', '99999999999 is no INT32'],
    ['INT8', [1], '128', '128 is no INT8'],
    ['UINT8', [1], '-1', '-1 is no UINT8'],
    ['UINT64', [1], '18446744073709551616', '18446744073709551616 is no UINT64'],
    ['FP32', [3], 'written.json', 'do not fit'],
    ['BYTES', [2, 2], 'x.npy', 'the file holds FP64 elements'],
  ])('refuses %s %j of %s', (datatype, shape, text, problem) => {
    expect(() => input(datatype, shape, text)).toThrow(problem);
  });
});

describe('inputShape', () => {
  it.each<[number[], number, number[] | null, number[] | null]>([
    [[-1, 3, -1], 12, null, [1, 3, 4]],
    [[-1, 3, -1], 12, [2, 3, 2], [2, 3, 2]],
    [[-1, 3, 4], 12, [3, 4], [1, 3, 4]],
    [[2, 2], 4, [4], [2, 2]],
    [[-1, 0], 0, null, [0, 0]],
    [[-1, 5], 12, null, null],
  ])('fits %j with %i elements of %j', (wanted, count, given, found) => {
    expect(inputShape(wanted, count, given)).toEqual(found);
  });
});

describe('.npy', () => {
  it.each([
    tensor('BOOL', [2], [true, false]),
    tensor('INT8', [2, 1], [-1, 2]),
    tensor('UINT16', [1], [65_535]),
    tensor('INT64', [], [-5n]),
    tensor('FP16', [3], [0.5, 1, 2]),
    tensor('FP64', [1, 0], []),
    tensor('BYTES', [2], ['a', 'longer']),
  ])('reads what it wrote: $datatype', (given) => {
    const bytes = writeNpy(given as Tensor);
    expect((bytes.indexOf('\n') + 1) % 64).toBe(0);
    const read = readNpy(bytes, 'x.npy');
    expect(read).toEqual(new Tensor(given.datatype as DataType, given.shape, given.data as never));
  });

  it('writes any number of texts', () => {
    const count = 200_000;
    const bytes = writeNpy(tensor('BYTES', [count], Array<string>(count).fill('a')));
    expect(readNpy(bytes, 'x.npy').size).toBe(count);
  });

  it("reads what lies in Fortran's order row by row", () => {
    const text = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 2), }\n";
    const head = Buffer.from(
      `\u0093NUMPY\u0001\0${String.fromCharCode(text.length)}\0${text}`,
      'latin1',
    );
    // numpy.arange(12).reshape(2, 3, 2), its first index fastest.
    const data = Int16Array.of(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11);
    const read = readNpy(Buffer.concat([head, Buffer.from(data.buffer)]), 'x');
    expect(Array.from(read.data as Int16Array)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('reads text, other byte orders, and refuses what it would have to run', () => {
    const npy = (descr: string, data: Buffer, order = 'False'): Buffer => {
      const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (2, 1), }\n`;
      return Buffer.concat([
        Buffer.from('\u0093NUMPY\u0001\0', 'latin1'),
        Buffer.from([text.length, 0]),
        Buffer.from(text),
        data,
      ]);
    };
    const points = Buffer.from(new Uint32Array([0x1f600, 0, 97, 98]).buffer);
    expect(readNpy(npy('<U2', points), 'x').strings()).toEqual(['😀', 'ab']);
    expect(readNpy(npy('>i2', Buffer.from([0, 1, 1, 0])), 'x').data).toEqual(
      new Int16Array([1, 256]),
    );
    expect(() => readNpy(npy('|O', points), 'x')).toThrow("the type '|O'");
    expect(() => readNpy(npy('<f4', points), 'x')).toThrow('holds 16 bytes instead of 8');
    expect(() => readNpy(Buffer.from('nothing of NumPy'), 'x')).toThrow('is no .npy file');
  });
});
