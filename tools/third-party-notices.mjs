// The licences of what a bundle has taken in: they ask to travel with it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

const licenceFile = /^(licen[cs]e|copying|notice)(\.|-|$)/iu;
const rule = '-'.repeat(80);

/** Folder of the package that a file of `node_modules` belongs to, or null for a file of our own. */
function packageFolder(file) {
  const marker = `${sep}node_modules${sep}`;
  const at = file.lastIndexOf(marker);
  if (at < 0) return null;
  const parts = file.slice(at + marker.length).split(sep);
  const name = parts[0].startsWith('@') ? parts.slice(0, 2) : parts.slice(0, 1);
  return join(file.slice(0, at), 'node_modules', ...name);
}

function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((file) => licenceFile.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  // Without a text its authors' word is all there is.
  const terms = texts.length > 0 ? texts.join('\n\n') : `License: ${license}`;
  return { title: `${name} ${version} (${license})`, terms };
}

/**
 * The notices for a bundle that was made from these files, or null where all are our own.
 * @param files absolute paths
 */
export function thirdPartyNotices(files) {
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== null));
  const titlesByTerms = new Map();
  for (const folder of [...folders].sort()) {
    const { title, terms } = noticeOf(folder);
    const titles = titlesByTerms.get(terms) ?? new Set();
    titlesByTerms.set(terms, titles.add(title));
  }
  if (titlesByTerms.size === 0) return null;
  const head = 'This package contains code of the packages below, under their licences.';
  const parts = [...titlesByTerms].map(
    ([terms, titles]) => `${[...titles].join('\n')}\n\n${terms}`,
  );
  return `${[head, ...parts].join(`\n\n${rule}\n\n`)}\n`;
}
