import { describe, expect, it } from 'vitest';
import { KeptStates, type StateSettings } from './kept-states.ts';

function keptState(settings: Partial<StateSettings> = {}): {
  states: KeptStates;
  initial: Uint8Array;
  put: (...values: number[]) => Uint8Array;
  value: () => { shape: readonly number[]; data: number[] };
} {
  const initial = Uint8Array.of(1, 2);
  const states = new KeptStates(
    [
      {
        inputName: 'IN',
        outputName: 'OUT',
        dataType: 'UINT8',
        shape: [1, 2],
        initial,
        sameBuffer: false,
        growable: false,
        ...settings,
      },
    ],
    ['OUT'],
  );
  return {
    states,
    initial,
    put(...values) {
      const memory = states.allocate('OUT', 'UINT8', [1, values.length], values.length);
      memory.set(values);
      states.commit('OUT');
      return memory;
    },
    value() {
      const [{ name, shape, data }] = states.tensors() as [ReturnType<KeptStates['tensors']>[0]];
      expect(name).toBe('IN');
      return { shape, data: [...data] };
    },
  };
}

describe('a state', () => {
  it('begins with what it is told, which it leaves alone', () => {
    for (const sameBuffer of [false, true]) {
      const { initial, put, value } = keptState({ sameBuffer });
      expect(value()).toEqual({ shape: [1, 2], data: [1, 2] });
      put(3, 4);
      put(5, 6);
      expect(value()).toEqual({ shape: [1, 2], data: [5, 6] });
      expect([...initial]).toEqual([1, 2]);
    }
  });

  it('may change its size with every request', () => {
    for (const settings of [{}, { sameBuffer: true }, { sameBuffer: true, growable: true }]) {
      const { put, value } = keptState(settings);
      for (const values of [[1, 2, 3], [4], [5, 6, 7, 8, 9], []]) {
        put(...values);
        expect(value()).toEqual({ shape: [1, values.length], data: values });
      }
    }
  });

  it('is written to two pieces of memory in turn', () => {
    const { put } = keptState();
    const [a, b, c, d] = [put(1, 2), put(3, 4), put(5, 6), put(7, 8)] as const;
    expect([c.byteOffset, d.byteOffset]).toEqual([a.byteOffset, b.byteOffset]);
    expect([c.buffer === a.buffer, d.buffer === b.buffer, a.buffer === b.buffer]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('is written over itself where it is to be', () => {
    const { states, put } = keptState({ sameBuffer: true });
    const before = states.tensors()[0]?.data;
    expect(put(3, 4).buffer).toBe(before?.buffer);
    expect([...(before ?? [])]).toEqual([3, 4]);
  });

  it('keeps what it holds when it grows', () => {
    const { states } = keptState({ sameBuffer: true, growable: true });
    expect([...states.allocate('OUT', 'UINT8', [1, 3], 3)]).toEqual([1, 2, 0]);
  });

  it('stays what it was until the new value is there', () => {
    const { states, value } = keptState();
    states.allocate('OUT', 'UINT8', [1, 2], 2).fill(9);
    expect(value()).toEqual({ shape: [1, 2], data: [1, 2] });
  });

  it('is refused under another name and beyond its limit', () => {
    const { states } = keptState();
    expect(() => states.allocate('X', 'UINT8', [1], 1)).toThrow(
      "state 'X' is not a valid state name.",
    );
    expect(() => states.allocate('OUT', 'UINT8', [2 ** 31], 2 ** 31)).toThrow(
      /at most 1073741824/u,
    );
  });
});
