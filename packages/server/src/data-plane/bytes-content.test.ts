import { describe, expect, it } from 'vitest';
import { bytesContentIsValid, bytesContentRefusal, bytesOverrun } from './bytes-content.ts';

function strings(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(Buffer.byteLength(text));
      return [prefix, Buffer.from(text)];
    }),
  );
}

function refusal(data: Uint8Array, elements: bigint): string | null {
  return bytesContentRefusal(data, elements, '', 'X', 'm');
}

describe('the content of BYTES tensors', () => {
  it('is exactly as many strings as the shape has elements', () => {
    expect(bytesContentIsValid(strings('', 'ab', 'ünï'), 3)).toBe(true);
    expect(bytesContentIsValid(strings(), 0)).toBe(true);
    expect(bytesContentIsValid(strings('a'), 0)).toBe(false);
    expect(bytesContentIsValid(strings('a'), 2)).toBe(false);
    expect(bytesContentIsValid(strings('a').subarray(0, 3), 1)).toBe(false);
  });

  it('is refused with the texts of the C++ server', () => {
    expect(refusal(strings('a', 'b'), 2n)).toBeNull();
    expect(refusal(strings('a'), 2n)).toBe(
      "expected 2 string elements for inference input 'X' for model 'm', got 1",
    );
    expect(refusal(strings('a', 'b', 'c'), 2n)).toBe(
      "unexpected number of string elements 3 for inference input 'X' for model 'm', expecting 2",
    );
    expect(refusal(Buffer.concat([strings('a'), Buffer.from([1, 0])]), 2n)).toBe(
      "incomplete string length indicator for inference input 'X' for model 'm', expecting 4 bytes but only 2 bytes available. Please make sure the string length indicator is in one buffer.",
    );
  });

  it('may not claim a length beyond its end, up to 4 GiB', () => {
    const data = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from('abc')]);
    expect(bytesContentIsValid(data, 1)).toBe(false);
    expect(refusal(data, 1n)).toBeNull();
    expect(bytesOverrun(data, 'X')).toBe(
      "incomplete string data for inference input 'X', expecting string of length 4294967295 but only 3 bytes available",
    );
    expect(bytesOverrun(strings('a', 'b'), 'X')).toBeNull();
  });
});
