// Writes docs/reference from the code's own tables: `npm run docs`. With --check it writes nothing
// and fails when a page is not what would be written.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { configurationPage } from './reference/configuration-page.ts';
import { endpointsPage } from './reference/endpoints-page.ts';
import { errorsPage } from './reference/errors-page.ts';
import { metricsPage } from './reference/metrics-page.ts';
import { optionsPage } from './reference/options-page.ts';

/** Where the pages lie. */
export const referenceFolder: URL = new URL('../docs/reference/', import.meta.url);

/** Every page by file name. */
export const referencePages: ReadonlyMap<string, () => string> = new Map([
  ['options.md', optionsPage],
  ['metrics.md', metricsPage],
  ['errors.md', errorsPage],
  ['configuration.md', configurationPage],
  ['endpoints.md', endpointsPage],
]);

/** Names of the pages on disk that differ from what the code says. */
export function outdatedPages(folder: URL = referenceFolder): string[] {
  return [...referencePages]
    .filter(([name, page]) => textOf(new URL(name, folder)) !== page())
    .map(([name]) => name);
}

function textOf(file: URL): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function main(): void {
  const outdated = outdatedPages();
  if (process.argv.includes('--check')) {
    if (outdated.length === 0) return;
    console.error(`docs/reference: ${outdated.join(', ')} out of date. Run: npm run docs`);
    process.exitCode = 1;
    return;
  }
  for (const name of outdated) {
    const file = new URL(name, referenceFolder);
    writeFileSync(file, referencePages.get(name)!());
    console.log(`wrote ${fileURLToPath(file)}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
