import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../core/logger.ts';
import { TraceFile } from './trace-file.ts';
import type { TraceGroup } from './trace-record.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trace-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function setUp(pendingBytesMax = 1_000_000) {
  const lines: string[] = [];
  const note = (text: string): void => void lines.push(text);
  const logger = { ...silentLogger, warning: note, error: note };
  const path = join(folder, 't');
  return { file: new TraceFile({ path, offsetNs: 5n, logger, pendingBytesMax }), lines };
}

function group(id: number, name = 'A'): TraceGroup {
  return { records: new Map([[id, [{ kind: 'time', name, ns: id }]]]), byteLength: 100 };
}

/** Its text cannot be made to the end, as when the disk is full in the middle. */
const broken: TraceGroup = {
  records: new Map([[9, [...(group(9, 'x'.repeat(100_000)).records.get(9) ?? []), null as never]]]),
  byteLength: 100,
};

function idsIn(name: string): number[] {
  const items = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { id: number }[];
  return items.map(({ id }) => id);
}

describe('TraceFile', () => {
  it('writes one array, and numbered ones, in the order in which they were begun', async () => {
    const { file } = setUp();
    file.append([group(1)]);
    const first = file.indexed();
    const second = file.indexed();
    second.append([group(2)]);
    first.end([group(3), group(4)]);
    file.append([group(5)]);
    second.end([]);
    await file.close();
    await file.close();
    expect(readdirSync(folder).sort()).toEqual(['t', 't.0', 't.1']);
    expect([idsIn('t'), idsIn('t.0'), idsIn('t.1')]).toEqual([[1, 5], [3, 4], [2]]);
  });

  it('begins no file without a trace', async () => {
    const { file } = setUp();
    await file.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves out what cannot be written to its end, and nothing else', async () => {
    const { file, lines } = setUp();
    file.append([group(1)]);
    file.append([broken]);
    file.append([broken]);
    file.append([group(2)]);
    await file.close();
    expect(idsIn('t')).toEqual([1, 2]);
    expect(lines).toEqual([expect.stringMatching(/^failed creating trace file .*\/t: /u)]);
  });

  it('loses what comes faster than it is written, and says so once', async () => {
    const { file, lines } = setUp(250);
    for (let id = 1; id <= 5; id++) file.append([group(id)]);
    await file.close();
    expect(idsIn('t')).toEqual([1, 2]);
    expect(lines).toEqual(['traces are lost: they come faster than the disk takes them']);
    file.append([group(6)]);
    await file.close();
    expect(idsIn('t')).toEqual([6]);
  });
});
