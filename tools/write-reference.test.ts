import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { httpStatusByCode, modelConfigFields } from '@nereid/protocol';
import { describe, expect, test } from 'vitest';
import { metricFamilies } from '../packages/server/src/observability/metric-families.ts';
import { optionTable } from '../packages/server/src/options/option-table.ts';
import { outdatedPages, referenceFolder, referencePages } from './write-reference.ts';

/** First cells of a page's table rows, without the marks behind the code. */
function firstCells(page: string): string[] {
  const text = readFileSync(new URL(page, referenceFolder), 'utf8');
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}

describe('docs/reference', () => {
  test('is what the code says', () => {
    expect(outdatedPages(), 'run: npm run docs').toEqual([]);
  });

  test('has every flag, and no other', () => {
    const flags = optionTable.map(({ flag }) => `--${flag}`);
    expect(firstCells('options.md').sort()).toEqual(flags.sort());
  });

  test('has every metric, and no other', () => {
    const names = metricFamilies.map(({ name }) => name);
    expect(firstCells('metrics.md').sort()).toEqual(names.sort());
  });

  test('has every error code, and no other', () => {
    expect(firstCells('errors.md').sort()).toEqual(Object.keys(httpStatusByCode).sort());
  });

  test('has every configuration field, and no other', () => {
    const paths = modelConfigFields.map(({ path }) => path);
    expect(firstCells('configuration.md').sort()).toEqual(paths.sort());
  });

  test('notices a page that is missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'reference-'));
    try {
      const missing = outdatedPages(pathToFileURL(`${folder}/`));
      expect(missing).toEqual([...referencePages.keys()]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('keeps tables whole: no cell opens a column of its own', () => {
    for (const page of referencePages.values()) {
      let columns = 0;
      for (const line of page().split('\n')) {
        const count = line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0;
        if (count > 0 && columns > 0) expect(count, line).toBe(columns);
        columns = count;
      }
    }
  });
});
