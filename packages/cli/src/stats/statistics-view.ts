import type { CommandContext } from '../command/command.ts';
import { visibleText } from '../terminal/visible-text.ts';
import { activityTable, rateText } from './activity-table.ts';
import type { ModelActivity } from './statistics-delta.ts';

/** What is shown, and how. */
export interface ViewOptions {
  readonly json: boolean;
  /** Also models that do nothing. */
  readonly idle: boolean;
  readonly watch: boolean;
}

/** Where the figures are shown: a screen that is drawn anew, or lines. */
export class StatisticsView {
  readonly #context: CommandContext;
  readonly #how: ViewOptions;
  #isScreen = false;
  #explained = false;

  constructor(context: CommandContext, how: ViewOptions) {
    this.#context = context;
    this.#how = how;
  }

  /** @param reason why percentiles are not known; null where they are. */
  show(title: string, all: readonly ModelActivity[], reason: string | null): void {
    const { stdout } = this.#context;
    const { json, idle, watch } = this.#how;
    if (json) {
      stdout.write(`${JSON.stringify({ time: new Date().toISOString(), models: all })}\n`);
      return;
    }
    const busy = all.filter(({ succeeded, failed }) => idle || !watch || succeeded + failed > 0);
    const quiet = all.length - busy.length;
    const width = stdout.isTerminal ? stdout.columns : null;
    const table = activityTable(busy, watch, width);
    const unknown = reason !== null && all.some(({ latencyNs }) => latencyNs !== null);
    const note = unknown ? `P50 and P99 are not known: ${visibleText(reason)}\n` : '';
    if (!watch) {
      stdout.write(table);
      this.#explain(note);
      return;
    }
    const sum = all.reduce((total, one) => total + (one.requestsPerSecond ?? 0), 0);
    const time = new Date().toISOString().slice(11, 19);
    const head = `${visibleText(title)}  ${time} UTC  ${rateText(sum)} requests/s`;
    const foot = quiet === 0 ? '' : `${quiet} more without requests\n`;
    if (stdout.isTerminal) this.#draw(`${head}\n\n${table}${foot}${note}`);
    else {
      stdout.write(`${head}\n\n${table}${foot}\n`);
      this.#explain(note);
    }
  }

  close(): void {
    // The cursor comes back, and the screen as it was before.
    if (this.#isScreen) this.#context.stdout.write('\u001b[?25h\u001b[?1049l');
    this.#isScreen = false;
  }

  /** Once, and not among the results. */
  #explain(note: string): void {
    if (note === '' || this.#explained) return;
    this.#explained = true;
    this.#context.stderr.write(`nereid stats: ${note}`);
  }

  #draw(text: string): void {
    const { stdout } = this.#context;
    if (!this.#isScreen) stdout.write('\u001b[?1049h\u001b[?25l');
    this.#isScreen = true;
    // Each line clears what was behind it: drawing over does not flicker, clearing first does.
    stdout.write(`\u001b[H${text.replaceAll('\n', '\u001b[K\n')}\u001b[J`);
  }
}
