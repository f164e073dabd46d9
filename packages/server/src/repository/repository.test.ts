import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../core/logger.ts';
import { directoryFingerprint } from './directory-fingerprint.ts';
import { LocalModelSource } from './local-model-source.ts';
import { OverrideDirectory } from './override-directory.ts';
import { availableVersions } from './version-directories.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nereid-repository-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('directoryFingerprint', () => {
  it('stays the same while nothing changes', async () => {
    writeFileSync(join(root, 'a'), '1');
    expect(await directoryFingerprint(root)).toBe(await directoryFingerprint(root));
  });

  const changes: [string, () => void][] = [
    ['a file is added', () => writeFileSync(join(root, 'b'), '')],
    ['a file is written', () => writeFileSync(join(root, '1', 'a'), 'longer')],
    ['a file gets an older date', () => utimesSync(join(root, '1', 'a'), 1, 1)],
    ['a file is renamed', () => renameSync(join(root, '1', 'a'), join(root, '1', 'c'))],
    ['a file is removed', () => rmSync(join(root, '1', 'a'))],
    ['an empty folder is added', () => mkdirSync(join(root, '2'))],
  ];
  it.each(changes)('changes when %s', async (_, change) => {
    mkdirSync(join(root, '1'));
    writeFileSync(join(root, '1', 'a'), '1');
    const before = await directoryFingerprint(root);
    change();
    expect(await directoryFingerprint(root)).not.toBe(before);
  });

  it('ends in a circle of links and without a folder', async () => {
    symlinkSync('.', join(root, 'again'));
    expect(await directoryFingerprint(root)).toMatch(/^[0-9a-f]{40}$/u);
    expect(await directoryFingerprint(join(root, 'nothing'))).toMatch(/^[0-9a-f]{40}$/u);
  });
});

describe('availableVersions', () => {
  it('takes whole numbers from 1 and passes over the rest with a word', async () => {
    const warnings: string[] = [];
    for (const name of ['1', '10', '2', '0', '01', '-1', '1.5', 'warmup', 'configs', 'x']) {
      mkdirSync(join(root, name));
    }
    writeFileSync(join(root, '3'), 'a file');
    const logger = { ...silentLogger, warning: (text: string) => void warnings.push(text) };
    expect(await availableVersions(root, logger)).toEqual([1, 2, 10]);
    expect(warnings.sort()).toEqual([
      "ignore version directory '-1' which fails to convert to integral number",
      "ignore version directory '0' which fails to convert to integral number",
      "ignore version directory '01' which contains leading zeros in its directory name",
      "ignore version directory '1.5' which fails to convert to integral number",
      "ignore version directory 'x' which fails to convert to integral number",
    ]);
  });
});

describe('LocalModelSource', () => {
  it('knows folders, and links to folders, as models', async () => {
    mkdirSync(join(root, 'b'));
    mkdirSync(join(root, 'a'));
    symlinkSync('a', join(root, 'link'));
    symlinkSync('nowhere', join(root, 'broken'));
    symlinkSync('circle', join(root, 'circle'));
    writeFileSync(join(root, 'README.txt'), '');
    const source = new LocalModelSource(root);
    expect(await source.modelNames()).toEqual(['a', 'b', 'link']);
    expect(await source.modelDirectory('link')).toBe(join(root, 'link'));
    expect(await source.modelDirectory('README.txt')).toBe(null);
    expect(await source.modelDirectory('circle')).toBe(null);
  });

  it('says what is wrong with a path and what to do', async () => {
    await expect(new LocalModelSource(join(root, 'x')).check()).rejects.toThrow(
      /failed to stat file .*ENOENT.*create the folder or correct --model-repository/u,
    );
    writeFileSync(join(root, 'file'), '');
    await expect(new LocalModelSource(join(root, 'file')).check()).rejects.toThrow(
      /repository path is not a valid directory.*is a file/u,
    );
  });
});

describe('OverrideDirectory', () => {
  it('holds the files until its last user releases it', async () => {
    const folder = await OverrideDirectory.create(
      new Map([['1/sub/model.onnx', Buffer.from('m')]]),
    );
    const source = new LocalModelSource(folder.path);
    folder.retain();
    await folder.release();
    expect(await source.modelNames()).toEqual(['1']);
    await folder.release();
    await expect(source.check()).rejects.toThrow('ENOENT');
  });

  it('takes a path from the root for one from the folder, as Triton does', async () => {
    const folder = await OverrideDirectory.create(new Map([['//1/model.py', Buffer.from('m')]]));
    expect(await readFile(join(folder.path, '1', 'model.py'), 'utf8')).toBe('m');
    await folder.release();
  });

  it.each(['', '.', '/', '..', '../x', '/../x', '1/../../x', '1/', 'a\0b'])(
    'refuses what does not lie in the folder (%j)',
    async (path) => {
      await expect(OverrideDirectory.create(new Map([[path, Buffer.from('x')]]))).rejects.toThrow(
        'must stay within model directory',
      );
    },
  );

  it('refuses a file below a file', async () => {
    const files = new Map([
      ['1', Buffer.from('x')],
      ['1/model.onnx', Buffer.from('x')],
    ]);
    await expect(OverrideDirectory.create(files)).rejects.toThrow(
      "Invalid file parameter 'file:1/model.onnx', directory has been created as a file",
    );
  });
});
