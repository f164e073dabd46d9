import { expect, it } from 'vitest';
import { testContext } from '../testing/test-context.ts';
import { type BoardClock, ProgressBoard } from './progress-board.ts';

class ManualBoardClock implements BoardClock {
  #ms = 0;
  #calls: { every: number; next: number; call: () => void }[] = [];

  nowMs(): number {
    return this.#ms;
  }

  every(ms: number, call: () => void): () => void {
    const entry = { every: ms, next: this.#ms + ms, call };
    this.#calls.push(entry);
    return () => {
      this.#calls = this.#calls.filter((other) => other !== entry);
    };
  }

  advance(ms: number): void {
    this.#ms += ms;
    for (const entry of this.#calls) {
      while (entry.next <= this.#ms) {
        entry.next += entry.every;
        entry.call();
      }
    }
  }
}

it('draws bars on a terminal and takes them away', () => {
  const context = testContext('/', {}, 100);
  const clock = new ManualBoardClock();
  const board = new ProgressBoard(context.stderr, clock);
  const one = board.start('m/1/model.onnx');
  const other = board.start('longer/1/model.onnx');
  one.progress(0, 4_000_000);
  clock.advance(1000);
  one.progress(1_000_000, 4_000_000);
  other.progress(500, null);
  clock.advance(100);
  const drawn = context.err().split('\u001b[1A\r\u001b[J').at(-1) ?? '';
  expect(drawn).toBe(
    'm/1/model.onnx       ██████░░░░░░░░░░░░░░░░░░  25 %  1.00 MB of 4.00 MB, 909 kB/s, 0:03 left\n' +
      'longer/1/model.onnx  500 B, 0 B/s\n',
  );
  one.done();
  board.line('done');
  expect(context.err()).toContain('\u001b[2A\r\u001b[Jdone\nlonger');
  board.close();
  expect(context.err().endsWith('\u001b[1A\r\u001b[J')).toBe(true);
  const length = context.err().length;
  clock.advance(1000);
  expect(context.err()).toHaveLength(length);
});

it('writes lines where there is no terminal', () => {
  const context = testContext();
  const clock = new ManualBoardClock();
  const board = new ProgressBoard(context.stderr, clock);
  const one = board.start('m/1/model.onnx');
  one.progress(1000, 4000);
  clock.advance(9_999);
  one.progress(2000, 4000);
  clock.advance(1);
  one.done();
  clock.advance(60_000);
  board.close();
  expect(context.err()).toBe(
    'm/1/model.onnx: downloading (4.00 kB), going on at 1.00 kB\n' +
      'm/1/model.onnx: 2.00 kB of 4.00 kB, 100 B/s, 0:20 left\n',
  );
});
