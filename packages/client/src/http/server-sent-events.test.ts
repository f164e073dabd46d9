import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventData } from './server-sent-events.ts';

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1000): Promise<string[]> {
  const found: string[] = [];
  for await (const data of eventData(pieces(text, size))) found.push(data);
  return found;
}

it('reads events with their lines, and passes over the rest', async () => {
  expect(await read('data: a\n\n: comment\n\nevent: x\ndata:b\ndata: c\n\n')).toEqual([
    'a',
    'b\nc',
  ]);
  expect(await read('data: a\r\n\r\ndata: b\r\n\r\n')).toEqual(['a', 'b']);
  expect(await read('data: unended')).toEqual(['unended']);
});

it('does not care how the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.json()), fc.integer({ min: 1, max: 7 }), async (events, size) => {
      const text = events.map((event) => `data: ${event}\n\n`).join('');
      expect(await read(text, size)).toEqual(events);
    }),
  );
});
