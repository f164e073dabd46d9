import { PassThrough } from 'node:stream';
import { ManualClock } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { WorkerOutput } from './worker-output.ts';

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function output() {
  const lines: string[] = [];
  const stream = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const clock = new ManualClock();
  const made = new WorkerOutput({ stream, clock, writeLine: (line) => lines.push(line) });
  return { lines, stream, clock, made };
}

describe('WorkerOutput', () => {
  it('gives whole lines, and the rest at the end', async () => {
    const { lines, stream, made } = output();
    stream.write('one\ntw');
    stream.write('o\r\n\n  \nthree');
    await settled();
    expect(lines).toEqual(['one', 'two']);
    stream.end();
    await settled();
    expect(lines).toEqual(['one', 'two', 'three']);
    expect(made.lastLine).toBe('three');
  });

  it('puts characters together that were cut', async () => {
    const { lines, stream } = output();
    for (const byte of Buffer.from('€ 5\n')) {
      stream.write(Buffer.of(byte));
      await settled();
    }
    expect(lines).toEqual(['€ 5']);
  });

  it('cuts long lines', async () => {
    const { lines, stream } = output();
    stream.write(`${'x'.repeat(10_000)}\n`);
    await settled();
    expect(lines).toEqual([`${'x'.repeat(8192)}…`]);
  });

  it('leaves out what is too much, and says how much', async () => {
    const { lines, stream, clock } = output();
    for (let index = 0; index < 40; index++) stream.write(`${'x'.repeat(8000)}\n`.repeat(2));
    await settled();
    const before = lines.length;
    expect(before).toBeLessThan(40);
    clock.advanceMs(1000);
    expect(lines.slice(before)).toEqual([
      expect.stringMatching(/^… \d+ bytes of output were left out$/u),
    ]);
    stream.write('again\n');
    await settled();
    expect(lines.at(-1)).toBe('again');
  });

  it('stops reading what comes faster than it can bear, until the next interval', async () => {
    const { stream, clock } = output();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let index = 0; index < 20; index++) stream.write(chunk);
    await settled();
    expect(stream.isPaused()).toBe(true);
    clock.advanceMs(1000);
    expect(stream.isPaused()).toBe(false);
  });
});
