import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { moveFolder } from './move-folder.ts';

/** Renames that fail as the file system would have it: error codes by whether they concern these paths. */
let refuse: (from: string, to: string) => string | null = () => null;

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    rename: async (from: string, to: string) => {
      const code = refuse(from, to);
      if (code === null) return real.rename(from, to);
      throw Object.assign(new Error(`${code}: rename '${from}'`), { code, syscall: 'rename' });
    },
  };
});

let base: string;
let source: string;
let target: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'nereid-move-'));
  source = join(base, 'from/m');
  target = join(base, 'to/m');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'model.onnx'), 'weights');
});
afterEach(() => {
  refuse = () => null;
  rmSync(base, { recursive: true });
});

describe('moveFolder to another file system', () => {
  it('moves', async () => {
    refuse = (from, to) => (from === source && to === target ? 'EXDEV' : null);
    await moveFolder(source, target);
    expect(readFileSync(join(target, 'model.onnx'), 'utf8')).toBe('weights');
    expect(existsSync(source)).toBe(false);
    expect(readdirSync(base).sort()).toEqual(['from', 'to']);
  });

  it('leaves what cannot be moved away where it was, and nowhere else', async () => {
    refuse = (from, to) => (from !== source ? null : to === target ? 'EXDEV' : 'EBUSY');
    await expect(moveFolder(source, target)).rejects.toThrow(`EBUSY: rename '${source}'`);
    expect(readFileSync(join(source, 'model.onnx'), 'utf8')).toBe('weights');
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(base).sort()).toEqual(['from', 'to']);
  });

  it('says so where it lies in both places', async () => {
    refuse = (from, to) =>
      from === source && to === target
        ? 'EXDEV'
        : from === source || from === target
          ? 'EBUSY'
          : null;
    await expect(moveFolder(source, target)).rejects.toThrow(
      `${source} lies in ${target} too: neither can be moved away (EBUSY: rename '${source}'; EBUSY: rename '${target}'): remove one of them`,
    );
    expect(existsSync(source) && existsSync(target)).toBe(true);
    expect(readdirSync(base).sort()).toEqual(['from', 'to']);
  });
});
