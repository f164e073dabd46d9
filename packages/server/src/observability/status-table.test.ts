import { describe, expect, test } from 'vitest';
import { backendTable, drawTable, modelTable, repositoryAgentTable } from './status-table.ts';

describe('drawTable', () => {
  test('draws Triton’s table of models', () => {
    const table = modelTable([
      { model: 'simple', version: 1, state: 'READY', reason: '' },
      { model: 'bad', version: 2, state: 'UNAVAILABLE', reason: 'Internal: no' },
      { model: 'empty', version: null, state: '', reason: '' },
    ]);
    expect(drawTable(table)).toEqual([
      '+--------+---------+----------------------------------------+',
      '| Model  | Version | Status                                 |',
      '+--------+---------+----------------------------------------+',
      '| simple | 1       | READY                                  |',
      '| bad    | 2       | UNAVAILABLE: Internal: no              |',
      '| empty  | -       | Not loaded: No model version was found |',
      '+--------+---------+----------------------------------------+',
    ]);
  });

  test('draws a table without rows', () => {
    expect(drawTable(repositoryAgentTable([]))).toEqual([
      '+------------------+------+',
      '| Repository Agent | Path |',
      '+------------------+------+',
      '+------------------+------+',
    ]);
  });

  test('folds cells that are wider than their share, and keeps their own lines', () => {
    const table = backendTable([{ name: 'a\nb', path: 'x'.repeat(25), config: '{}' }]);
    expect(drawTable(table, 34)).toEqual([
      '+---------+-------------+--------+',
      '| Backend | Path        | Config |',
      '+---------+-------------+--------+',
      '| a       | xxxxxxxxxxx | {}     |',
      '| b       | xxxxxxxxxxx |        |',
      '|         | xxx         |        |',
      '+---------+-------------+--------+',
    ]);
  });

  test('draws something on any width', () => {
    for (const columns of [0, 1, 5, 12]) {
      const lines = drawTable(modelTable([]), columns);
      expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    }
  });
});
