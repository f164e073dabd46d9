import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Http2Stream, type StreamOwner } from './http2-stream.ts';
import { StreamTable } from './stream-table.ts';

const owner = {} as StreamOwner;
const streamOf = (id: number): Http2Stream => new Http2Stream(id, owner, 0, 0);

it('has what a map would have, whatever comes and goes', () => {
  const step = fc.record({ remove: fc.boolean(), place: fc.nat(), skipped: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const table = new StreamTable();
      const streams = new Map<number, Http2Stream>();
      let last = -1;
      for (const { remove, place, skipped } of steps) {
        const open = [...streams.values()];
        const chosen = open[place % open.length];
        if (remove && chosen !== undefined) {
          table.delete(chosen);
          streams.delete(chosen.id);
          expect(table.get(chosen.id)).toBeUndefined();
        } else {
          last += 2 * (skipped + 1);
          const stream = streamOf(last);
          table.add(stream);
          streams.set(last, stream);
        }
      }
      expect(table.size).toBe(streams.size);
      expect(new Set(table.all())).toEqual(new Set(streams.values()));
      for (const [id, stream] of streams) expect(table.get(id)).toBe(stream);
      expect(table.get(last + 2)).toBeUndefined();
    }),
  );
});

it('forgets all', () => {
  const table = new StreamTable();
  const streams = [1, 3, 5].map(streamOf);
  for (const stream of streams) table.add(stream);
  table.clear();
  expect([table.size, table.all(), table.get(3)]).toEqual([0, [], undefined]);
  for (const stream of streams) table.delete(stream);
  expect(table.size).toBe(0);
});
