import type { Output } from '../command/command.ts';
import { bytesText, clockText } from './quantity-text.ts';
import { cut, displayWidth } from './table.ts';
import { visibleText } from './visible-text.ts';

/** Rates are those of so long; a shorter while jumps, a longer one lags. */
const rateMs = 5_000;
const redrawMs = 100;
/** On what is no terminal a line tells now and then that it goes on. */
const lineMs = 10_000;
const barWidth = 24;
const columnsDefault = 80;

/** Time for a board: passed in, so that tests need not wait. */
export interface BoardClock {
  nowMs(): number;
  /** Calls again and again; @returns what ends it. */
  every(ms: number, call: () => void): () => void;
}

const systemBoardClock: BoardClock = {
  nowMs: () => performance.now(),
  every(ms, call) {
    const timer = setInterval(call, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** A transfer as it is shown. */
export interface ShownTransfer {
  progress(bytes: number, total: number | null): void;
  done(): void;
}

/**
 * Shows transfers that go on side by side: bars on a terminal, with rate and time left; elsewhere a line when each
 * begins, now and then, and when it ends.
 */
export class ProgressBoard {
  readonly #output: Output;
  readonly #clock: BoardClock;
  readonly #active: TransferRow[] = [];
  readonly #stop: () => void;
  #linesDrawn = 0;

  constructor(output: Output, clock: BoardClock = systemBoardClock) {
    this.#output = output;
    this.#clock = clock;
    this.#stop = clock.every(output.isTerminal ? redrawMs : lineMs, () =>
      output.isTerminal ? this.#draw() : this.#tell(),
    );
  }

  start(label: string): ShownTransfer {
    const row = new TransferRow(visibleText(label), this.#clock);
    this.#active.push(row);
    return {
      progress: (bytes, total) => {
        const first = !row.hasBegun;
        row.progress(bytes, total);
        if (first && !this.#output.isTerminal) this.#output.write(`${row.beginning()}\n`);
      },
      done: () => {
        this.#active.splice(this.#active.indexOf(row), 1);
      },
    };
  }

  /** A line that stays, above the bars. */
  line(text: string): void {
    this.#erase();
    this.#output.write(`${visibleText(text)}\n`);
    if (this.#output.isTerminal) this.#draw();
  }

  /** Takes the bars away until they are drawn again, for others to write. */
  pause(): void {
    this.#erase();
  }

  close(): void {
    this.#stop();
    this.#erase();
  }

  #tell(): void {
    for (const row of this.#active) {
      if (row.hasBegun) this.#output.write(`${row.state()}\n`);
    }
  }

  #draw(): void {
    const columns = this.#output.columns ?? columnsDefault;
    const rows = this.#active.filter(({ hasBegun }) => hasBegun);
    const labelWidth = Math.max(0, ...rows.map(({ label }) => displayWidth(label)));
    const lines = rows.map((row) => cut(row.bar(labelWidth), columns - 1));
    this.#erase();
    if (lines.length > 0) this.#output.write(`${lines.join('\n')}\n`);
    this.#linesDrawn = lines.length;
  }

  /** Up to the first line of what was drawn last, and everything below it away. */
  #erase(): void {
    if (this.#linesDrawn > 0) this.#output.write(`\u001b[${this.#linesDrawn}A\r\u001b[J`);
    this.#linesDrawn = 0;
  }
}

/** One transfer: how far it is, and how fast. */
class TransferRow {
  readonly label: string;
  readonly #clock: BoardClock;
  /** When so many bytes were there; the first is the oldest that the rate looks at. */
  readonly #samples: { readonly ms: number; readonly bytes: number }[] = [];
  #bytes = 0;
  #total: number | null = null;

  constructor(label: string, clock: BoardClock) {
    this.label = label;
    this.#clock = clock;
  }

  get hasBegun(): boolean {
    return this.#samples.length > 0;
  }

  progress(bytes: number, total: number | null): void {
    const ms = this.#clock.nowMs();
    // It begins anew where it cannot be gone on with: the rate must not become negative.
    if (bytes < this.#bytes) this.#samples.length = 0;
    this.#bytes = bytes;
    this.#total = total;
    const last = this.#samples.at(-1);
    if (last === undefined || ms - last.ms >= redrawMs) this.#samples.push({ ms, bytes });
    while ((this.#samples[1]?.ms ?? Number.POSITIVE_INFINITY) < ms - rateMs) this.#samples.shift();
  }

  beginning(): string {
    const size = this.#total === null ? '' : ` (${bytesText(this.#total)})`;
    const from = this.#bytes === 0 ? '' : `, going on at ${bytesText(this.#bytes)}`;
    return `${this.label}: downloading${size}${from}`;
  }

  state(): string {
    return `${this.label}: ${this.#amount()}${this.#speed()}`;
  }

  bar(labelWidth: number): string {
    const label = this.label + ' '.repeat(labelWidth - displayWidth(this.label));
    if (this.#total === null) return `${label}  ${this.#amount()}${this.#speed()}`;
    const share = this.#total === 0 ? 1 : Math.min(1, this.#bytes / this.#total);
    const full = Math.floor(share * barWidth);
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
    return `${label}  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${this.#amount()}${this.#speed()}`;
  }

  #amount(): string {
    const total = this.#total === null ? '' : ` of ${bytesText(this.#total)}`;
    return bytesText(this.#bytes) + total;
  }

  #speed(): string {
    const first = this.#samples[0];
    const ms = this.#clock.nowMs() - (first?.ms ?? 0);
    if (first === undefined || ms < redrawMs) return '';
    const rate = ((this.#bytes - first.bytes) / ms) * 1000;
    const left = this.#total === null || rate <= 0 ? null : (this.#total - this.#bytes) / rate;
    return `, ${bytesText(rate)}/s${left === null ? '' : `, ${clockText(left)} left`}`;
  }
}
