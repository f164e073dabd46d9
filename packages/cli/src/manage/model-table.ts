import { bytesText, countText } from '../terminal/quantity-text.ts';
import { type Column, tableText } from '../terminal/table.ts';
import type { ServedVersion } from './served-models.ts';

const columns: readonly Column[] = [
  { title: 'MODEL' },
  { title: 'VERSION', align: 'right' },
  { title: 'STATE' },
  { title: 'MEMORY', align: 'right' },
  { title: 'REQUESTS', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'REASON' },
];

/** What a server has, for people. */
export function modelTable(versions: readonly ServedVersion[]): string {
  const rows = versions.map((one) => [
    one.name,
    one.version || '-',
    one.state || 'NOT LOADED',
    one.memoryBytes === null ? '-' : bytesText(one.memoryBytes),
    one.succeeded === null ? '-' : countText(one.succeeded),
    one.failed === null ? '-' : countText(one.failed),
    one.reason,
  ]);
  return tableText(columns, rows);
}

/** The same for programs: a list of objects, one a version. */
export function modelsJson(versions: readonly ServedVersion[]): string {
  const rows = versions.map((one) => ({
    name: one.name,
    version: one.version,
    state: one.state,
    reason: one.reason,
    memory_bytes: one.memoryBytes,
    requests: one.succeeded,
    failed: one.failed,
  }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}
