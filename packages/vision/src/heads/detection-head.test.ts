import { tensor } from '@nereid/client';
import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../vision-error.ts';
import { candidatesOf, type HeadOptions } from './detection-head.ts';

const options: HeadOptions = { style: 'auto', iouThreshold: 0.5, countMax: 300 };

describe('candidatesOf', () => {
  it('reads finished detections of each picture of a batch', () => {
    const rows = [
      [10, 20, 30, 40, 0.6, 2],
      [11, 21, 31, 41, 0.9, 1],
      [0, 0, 0, 0, 0, 0],
      [1, 2, 3, 4, 0.5, 7],
      [1, 2, 3, 4, Number.NaN, 7],
      [1, 2, 3, 4, 0.49, 7],
    ];
    const [first, second] = candidatesOf(tensor('FP32', [2, 3, 6], rows.flat()), 0.5, options);
    expect(first?.map(({ confidence, classId }) => [Math.fround(confidence), classId])).toEqual([
      [Math.fround(0.9), 1],
      [Math.fround(0.6), 2],
    ]);
    expect(second).toEqual([{ x1: 1, y1: 2, x2: 3, y2: 4, confidence: 0.5, classId: 7 }]);
  });

  it('has nothing for rows without an object, even at a threshold of 0', () => {
    expect(candidatesOf(tensor('FP32', [1, 1, 6], [1, 2, 3, 4, 0, 0]), 0, options)).toEqual([[]]);
  });

  /** 8 anchors of 2 classes: two of one object, one of another class at its place, one too weak. */
  const anchors = [
    [50, 50, 20, 20, 0.75, 0],
    [51, 50, 20, 20, 0.875, 0],
    [50, 50, 20, 20, 0, 0.5],
    [10, 10, 10, 20, 0.25, 0],
    ...Array.from({ length: 4 }, () => [0, 0, 0, 0, 0, 0]),
  ];
  const columns = Array.from({ length: 6 }, (_, value) =>
    anchors.map((row) => row[value] as number),
  );
  const expected = [
    { x1: 41, y1: 40, x2: 61, y2: 60, confidence: 0.875, classId: 0 },
    { x1: 40, y1: 40, x2: 60, y2: 60, confidence: 0.5, classId: 1 },
  ];

  it.each(['FP32', 'FP16', 'FP64'] as const)(
    'chooses among the anchors of a raw head, %s',
    (type) => {
      const output = tensor(type, [1, 6, 8], columns.flat());
      expect(candidatesOf(output, 0.3, options)).toEqual([expected]);
    },
  );

  it('reads a raw head whose anchors come first', () => {
    const wide = [...anchors, ...Array.from({ length: 8 }, () => [0, 0, 0, 0, 0, 0])];
    const three = wide.map((row) => [...row, 0]);
    const output = tensor('FP32', [1, 16, 7], three.flat());
    expect(candidatesOf(output, 0.3, options)).toEqual([expected]);
  });

  it('reads an answer without a batch, and six columns as a raw head where it is told to', () => {
    const output = tensor('FP32', [8, 6], anchors.flat());
    expect(candidatesOf(output, 0.3, { ...options, style: 'raw' })).toEqual([expected]);
  });

  it('gives no more than asked for', () => {
    const output = tensor('FP32', [1, 6, 8], columns.flat());
    expect(candidatesOf(output, 0.3, { ...options, countMax: 1 })).toEqual([expected.slice(0, 1)]);
    const finished = tensor('FP32', [1, 2, 6], [1, 2, 3, 4, 0.5, 0, 1, 2, 3, 4, 0.75, 1]);
    const [found] = candidatesOf(finished, 0, { ...options, countMax: 1 });
    expect(found?.map(({ classId }) => classId)).toEqual([1]);
  });

  it.each([[[10]], [[1, 2, 3, 4]], [[1, 4, 100]], [[1, 0, 6]]])(
    'refuses an output of shape [%s]',
    (shape) => {
      const size = shape.reduce((product, dimension) => product * dimension, 1);
      const output = tensor('FP32', shape, new Float32Array(size));
      expect(() => candidatesOf(output, 0.5, options)).toThrow(UnsupportedModelError);
    },
  );
});
