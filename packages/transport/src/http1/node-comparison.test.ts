import { describe, expect, test } from 'vitest';
import {
  type ComparisonOutcome,
  outcomeOf,
  startNodeServer,
  startOwnServer,
} from '../testing/comparison-outcome.ts';
import { comparisonCases } from '../testing/node-comparison-cases.ts';

const headerBytesMax = 16 * 1024;
/** Nothing comes after so long a silence; a machine under load gets a second, longer chance. */
const quietMs = [150, 1500] as const;

type Pair = readonly [own: ComparisonOutcome, node: ComparisonOutcome];

function runBoth(send: string, silenceMs: number): Promise<Pair> {
  return Promise.all([
    outcomeOf(() => startOwnServer(headerBytesMax), send, silenceMs),
    outcomeOf(() => startNodeServer(headerBytesMax), send, silenceMs),
  ]);
}

/** Both answers, asked for together with those of all other cases: most of the time is waiting. */
const started = new Map(comparisonCases.map(({ name, send }) => [name, runBoth(send, quietMs[0])]));

describe('the same bytes to node:http and to us', () => {
  test('names are unique', () => expect(started.size).toBe(comparisonCases.length));

  for (const { name, send, differs } of comparisonCases) {
    test(differs === undefined ? name : `${name}: ${differs.reason}`, async () => {
      const agrees = ([own, node]: Pair): void => {
        if (differs === undefined) {
          expect(own).toEqual(node);
          return;
        }
        const { statuses, closed, requestCount } = differs;
        expect(own).toMatchObject({ statuses, closed });
        expect(own.requests).toHaveLength(requestCount);
        // A difference that is none any more must not stay in the list.
        expect(own).not.toEqual(node);
      };
      try {
        agrees(await started.get(name)!);
      } catch {
        agrees(await runBoth(send, quietMs[1]));
      }
    });
  }
});
