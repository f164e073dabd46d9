import { describe, expect, it } from 'vitest';
import { InputTensor } from './input-tensor.ts';
import { letterboxOf, paddingLevel } from './letterbox.ts';

const format = { datatype: 'FP32', layout: 'NCHW', width: 4, height: 4 } as const;
const letterbox = letterboxOf({ width: 2, height: 1 }, { width: 4, height: 4 });
/** 4 x 2 pixels: the red counts them, green is 100 more, blue 200. */
const rgb = Uint8Array.from({ length: 24 }, (_, i) => Math.floor(i / 3) + 100 * (i % 3));

describe('InputTensor', () => {
  it('lays colours in planes, in the middle of grey', () => {
    const input = new InputTensor(format, 1);
    input.set(0, letterbox, rgb);
    const { shape, datatype, data } = input.tensor();
    expect([shape, datatype]).toEqual([[1, 3, 4, 4], 'FP32']);
    const level = (values: readonly number[]) => values.map((value) => Math.fround(value / 255));
    const grey = Array.from({ length: 4 }, () => paddingLevel);
    expect([...(data as Float32Array)]).toEqual(
      [0, 100, 200].flatMap((base) =>
        level([...grey, ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => base + i), ...grey]),
      ),
    );
  });

  it('lays colours side by side', () => {
    const input = new InputTensor({ ...format, layout: 'NHWC', datatype: 'UINT8' }, 1);
    input.set(0, letterbox, rgb);
    const { shape, data } = input.tensor();
    expect(shape).toEqual([1, 4, 4, 3]);
    const grey = Array.from({ length: 12 }, () => paddingLevel);
    expect([...(data as Uint8Array)]).toEqual([...grey, ...rgb, ...grey]);
  });

  it('gives each picture of a batch its own place, and a missing one grey', () => {
    const input = new InputTensor({ ...format, datatype: 'UINT8' }, 3);
    input.set(1, letterbox, rgb);
    const data = [...(input.tensor().data as Uint8Array)];
    const grey = Array.from({ length: 48 }, () => paddingLevel);
    expect(data.slice(0, 48)).toEqual(grey);
    expect(data.slice(48, 96)).not.toEqual(grey);
    expect(data.slice(96)).toEqual(grey);
  });

  it('rounds for FP16', () => {
    const input = new InputTensor({ ...format, datatype: 'FP16' }, 1);
    input.set(0, letterbox, rgb);
    const floats = input.tensor().floats();
    expect(floats[4 + 7]).toBeCloseTo(7 / 255, 4);
    expect(floats[0]).toBeCloseTo(paddingLevel / 255, 3);
  });
});
