import { expect } from 'vitest';

/** An inference response in JSON. */
export interface JsonAnswer {
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data: readonly unknown[];
  }[];
}

/** A classification's entry, `SCORE:INDEX` or `SCORE:INDEX:LABEL`. */
const scored = /^(-?\d+\.\d{6})(:.+)$/u;

/** Instruction sets differ in the last digits of a sum. */
const tolerance = 1e-4;

function expectElement(actual: unknown, expected: unknown, where: string): void {
  if (typeof expected === 'number' && typeof actual === 'number' && !Number.isInteger(expected)) {
    expect(Math.abs(actual - expected), `${where}: ${actual} for ${expected}`).toBeLessThan(
      tolerance * Math.max(1, Math.abs(expected)),
    );
    return;
  }
  const named = typeof expected === 'string' ? scored.exec(expected) : null;
  if (named === null) {
    expect(actual, where).toEqual(expected);
    return;
  }
  const other = scored.exec(String(actual));
  expect(other?.[2], where).toBe(named[2]);
  expectElement(Number(other?.[1]), Number(named[1]), where);
}

/** Checks an answer: all exactly, but for the last digits of fractions. */
export function expectAnswer(actual: JsonAnswer, expected: JsonAnswer): void {
  expect({ ...actual, outputs: actual.outputs.map(({ data: _, ...rest }) => rest) }).toEqual({
    ...expected,
    outputs: expected.outputs.map(({ data: _, ...rest }) => rest),
  });
  for (const [i, output] of expected.outputs.entries()) {
    const data = actual.outputs[i]?.data ?? [];
    expect(data.length, output.name).toBe(output.data.length);
    output.data.forEach((value, k) => {
      expectElement(data[k], value, `${output.name}[${k}]`);
    });
  }
}
