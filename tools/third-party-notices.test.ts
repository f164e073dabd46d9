import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { thirdPartyNotices } from './third-party-notices.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-notices-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, content: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** @returns A file of the package. */
function addPackage(
  path: string,
  license: string,
  files: Readonly<Record<string, string>>,
): string {
  const name = path.split('node_modules/').at(-1);
  write(`${path}/package.json`, JSON.stringify({ name, version: '1.2.3', license }));
  for (const [file, text] of Object.entries(files)) write(`${path}/${file}`, text);
  return write(`${path}/lib/index.js`, '');
}

it('has the licence of every package once, with what else asks to be told', () => {
  const files = [
    write('packages/server/src/main.ts', ''),
    addPackage('node_modules/@scope/one', 'MIT', { LICENSE: 'do as you like\n' }),
    addPackage('node_modules/two', 'MIT', { 'LICENSE.md': 'do as you like\n' }),
    addPackage('node_modules/two/node_modules/three', 'BSD', { COPYING: 'name us', NOTICE: 'us' }),
    addPackage('node_modules/four', '0BSD', { 'licenses.json': '{}' }),
  ];
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  expect(thirdPartyNotices([...files, ...files])?.split(rule)).toEqual([
    'This package contains code of the packages below, under their licences.',
    '@scope/one 1.2.3 (MIT)\ntwo 1.2.3 (MIT)\n\ndo as you like',
    'four 1.2.3 (0BSD)\n\nLicense: 0BSD',
    'three 1.2.3 (BSD)\n\nname us\n\nus\n',
  ]);
});

it('is none where all code is our own', () => {
  expect(thirdPartyNotices([write('packages/server/src/main.ts', '')])).toBeNull();
});
