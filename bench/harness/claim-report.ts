import { ratioOf, type Spread, spreadOf } from './spread.ts';

/** What is measured of every contestant, with its unit: `server CPU, µs/request`. */
export interface Column {
  readonly title: string;
  readonly digits: number;
}

/** One contestant: its samples in each column, one a round. Null where there is nothing to measure. */
export interface Row {
  readonly name: string;
  readonly samples: readonly (readonly number[] | null)[];
}

const nameWidth = 34;

/**
 * Prints min, median and max of every cell, and the ratio of each contestant to the first one, which
 * is the calibration: a number without it says more about the machine than about the code.
 */
export function printTable(title: string, columns: readonly Column[], rows: readonly Row[]): void {
  console.log(`\n${title}`);
  for (const [index, column] of columns.entries()) {
    console.log(`  ${column.title}`);
    console.log(
      `    ${''.padEnd(nameWidth)}${['min', 'median', 'max', 'ratio'].map((head) => head.padStart(10)).join('')}`,
    );
    const reference = rows[0]?.samples[index] ?? null;
    for (const row of rows) {
      const samples = row.samples[index] ?? null;
      if (samples === null) continue;
      const { min, median, max } = spreadOf(samples);
      const cells = [min, median, max].map((value) => value.toFixed(column.digits));
      if (reference !== null) cells.push(`x${ratioOf(samples, reference).median.toFixed(2)}`);
      console.log(
        `    ${row.name.padEnd(nameWidth)}${cells.map((cell) => cell.padStart(10)).join('')}`,
      );
    }
  }
}

/** What a claim promises of a number. */
export type Bound = { readonly atMost: number } | { readonly atLeast: number };

/** How the verdict lines begin that `bench/main.ts` gathers. */
export const verdictMarks = {
  reached: '  reached  ',
  missed: '  MISSED   ',
  skipped: '  skipped  ',
};

/** Prints whether a claim holds, judged by the median. A miss ends nothing: it is for a person to read. */
export function printVerdict(claim: string, value: Spread, bound: Bound, unit = ''): void {
  const holds = 'atMost' in bound ? value.median <= bound.atMost : value.median >= bound.atLeast;
  const limit = 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`;
  const [min, median, max] = [value.min, value.median, value.max].map((part) => part.toFixed(3));
  const mark = holds ? verdictMarks.reached : verdictMarks.missed;
  console.log(`${mark}${claim}: ${median}${unit} [${min} … ${max}], ${limit}${unit}`);
}

/** Says that a claim could not be measured here, and why. */
export function printSkipped(claim: string, reason: string): void {
  console.log(`${verdictMarks.skipped}${claim}: ${reason}`);
}
