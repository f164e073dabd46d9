import { describe, expect, test } from 'vitest';
import {
  type ComparedServer,
  startNodeServer,
  startOwnServer,
} from '../testing/compared-server.ts';
import { comparisonCases } from '../testing/node-comparison-cases.ts';
import { exchange } from '../testing/wire-client.ts';

const headerBytesMax = 16 * 1024;
const silenceMs = 60;

async function outcomeOf(start: (headerBytesMax: number) => Promise<ComparedServer>, send: string) {
  const server = await start(headerBytesMax);
  try {
    const { statuses, closed } = await exchange(server.port, send, silenceMs);
    return { statuses, closed, requests: server.requests };
  } finally {
    await server.close();
  }
}

describe('the same bytes to node:http and to us', () => {
  test('names are unique', () => {
    expect(new Set(comparisonCases.map(({ name }) => name)).size).toBe(comparisonCases.length);
  });

  for (const { name, send, differs } of comparisonCases) {
    test(differs === undefined ? name : `${name}: ${differs.reason}`, async () => {
      const own = await outcomeOf(startOwnServer, send);
      const node = await outcomeOf(startNodeServer, send);
      if (differs === undefined) {
        expect(own).toEqual(node);
        return;
      }
      const { statuses, closed, requestCount, olderNodeOnly } = differs;
      expect(own).toMatchObject({ statuses, closed });
      expect(own.requests).toHaveLength(requestCount);
      // A difference that is none any more must not stay in the list.
      if (olderNodeOnly !== true) expect(own).not.toEqual(node);
    });
  }
});
