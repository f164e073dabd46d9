// Where the calls of a bundle that write log lines stand in the sources: log lines name file and line, and
// those of a bundle mean nothing to a reader. Source maps know, but are large and slow to read at a start.
import { readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, join } from 'node:path';

/** What loggers have, at the place that a stack tells of a call. */
const calls = /(?<=\.)(?:error|warning|info|verbose|table)(?=\()/gu;
const sources = /(?:^|\/)src\/[^?]+\.ts$/u;

/**
 * @param {string} code Of a bundle.
 * @param {object} map Its source map.
 * @param {string} name Of its file.
 * @returns {Record<string, string>} By `name:line:column`, `file:line` of the source.
 */
export function logPlaces(code, map, name) {
  const places = {};
  const source = new SourceMap(map);
  for (const [row, text] of code.split('\n').entries()) {
    for (const { index } of text.matchAll(calls)) {
      const { originalSource = '', originalLine } = source.findEntry(row, index);
      if (!sources.test(originalSource) || originalSource.includes('node_modules')) continue;
      places[`${name}:${row + 1}:${index + 1}`] = `${basename(originalSource)}:${originalLine + 1}`;
    }
  }
  return places;
}

/** Writes the places of all files of a folder that a build has written, given as paths, into one file beside them. */
export function writeLogPlaces(folder, outputs) {
  const places = {};
  for (const output of outputs) {
    const name = basename(output);
    if (!name.endsWith('.js')) continue;
    const code = readFileSync(join(folder, name), 'utf8');
    if (code.search(calls) < 0) continue;
    const map = JSON.parse(readFileSync(join(folder, `${name}.map`), 'utf8'));
    Object.assign(places, logPlaces(code, map, name));
  }
  writeFileSync(join(folder, 'log-places.json'), JSON.stringify(places));
}
