import type { Tensor } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import type { InferRequest } from '../../core/infer-request.ts';
import { RequestKeys } from './request-key.ts';

const a: Tensor = { name: 'A', dataType: 'UINT8', shape: [2], data: Uint8Array.of(1, 2) };
const b: Tensor = { name: 'B', dataType: 'UINT8', shape: [1], data: Uint8Array.of(3) };

function keyOf(inputs: readonly Tensor[], scope = 'm', more = {}): string | Promise<string> {
  return new RequestKeys(scope).keyOf({ inputs, ...more } as unknown as InferRequest);
}

describe('RequestKeys', () => {
  it('names the same request by the same key, in whatever order its inputs came', () => {
    expect(keyOf([a, b])).toBe(keyOf([b, a]));
    expect(keyOf([a], 'm', { id: '1', outputNames: ['X'], parameters: {} })).toBe(keyOf([a]));
  });

  it.each([
    ['name', [{ ...a, name: 'C' }, b]],
    ['data type', [{ ...a, dataType: 'INT8' as const }, b]],
    ['shape', [{ ...a, shape: [1, 2] }, b]],
    ['a byte', [{ ...a, data: Uint8Array.of(1, 3) }, b]],
    ['an input less', [a]],
    [
      'bytes on the other side of a border',
      [
        { ...a, data: Uint8Array.of(1) },
        { ...b, data: Uint8Array.of(2, 3) },
      ],
    ],
    ['a name that looks like a head', [{ ...a, name: 'AUINT8[2]2;' }, b]],
  ])('tells requests apart by %s', (_what, inputs) => {
    expect(keyOf(inputs)).not.toBe(keyOf([a, b]));
  });

  it('names requests alike whatever came before them', () => {
    const keys = new RequestKeys('m');
    const requests: readonly (readonly Tensor[])[] = [
      [a, b],
      [a],
      [],
      [{ ...a, shape: [1, 2] }, b],
      [{ ...a, data: Uint8Array.of(1, 3) }, b],
      [{ ...a, data: new Uint8Array(20_000), shape: [20_000] }],
      [{ ...a, name: 'C' }],
    ];
    for (const inputs of [...requests, ...requests.toReversed()]) {
      expect(keys.keyOf({ inputs } as unknown as InferRequest)).toBe(keyOf(inputs));
      expect(keys.keyOf({ inputs } as unknown as InferRequest)).toBe(keyOf(inputs));
    }
  });

  it('tells models apart', () => {
    expect(keyOf([a], 'm')).not.toBe(keyOf([a], 'n'));
  });

  it.each([100, 20_000, 300_000])(
    'tells tensors of %d bytes apart by the last one',
    async (bytes) => {
      const large = (last: number): Tensor => {
        const data = new Uint8Array(bytes);
        data[bytes - 1] = last;
        return { name: 'A', dataType: 'UINT8', shape: [bytes], data };
      };
      const first = await keyOf([large(0), b]);
      expect(await keyOf([large(1), b])).not.toBe(first);
      expect(await keyOf([large(0), b])).toBe(first);
    },
  );
});
