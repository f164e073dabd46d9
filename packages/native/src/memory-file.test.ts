import { spawnSync } from 'node:child_process';
import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryFile } from './memory-file.ts';

const page = 64 * 1024;

function fileOf(byteLength: number): MemoryFile {
  const file = MemoryFile.create('nereid_test', byteLength);
  if (file === null) throw new Error('no file in memory');
  return file;
}

function mapped(file: MemoryFile, offset: number, byteLength: number): Buffer {
  const memory = file.map(offset, byteLength, () => {});
  if (memory === null) throw new Error('not mapped');
  return memory;
}

describe.runIf(process.platform === 'linux')('MemoryFile', () => {
  it('is the same memory for every mapping and for its descriptor', () => {
    const file = fileOf(4 * page);
    const memory = mapped(file, page, 100);
    memory.write('here', 10);
    expect(mapped(file, page, 100).toString('latin1', 10, 14)).toBe('here');
    const read = Buffer.alloc(4);
    readSync(file.descriptor, read, 0, 4, page + 10);
    expect(read.toString()).toBe('here');
    file.close();
    expect(memory.toString('latin1', 10, 14)).toBe('here');
  });

  it('cannot be made smaller or larger by anybody', () => {
    const file = fileOf(page);
    expect(() => ftruncateSync(file.descriptor, 0)).toThrow('EPERM');
    expect(() => ftruncateSync(file.descriptor, 2 * page)).toThrow('EPERM');
    file.close();
  });

  it('takes memory for what was written, and gives it back', () => {
    const file = fileOf(1024 * page);
    const blocks = (): number => fstatSync(file.descriptor).blocks;
    expect(blocks()).toBe(0);
    const memory = mapped(file, 0, 4 * page).fill(1);
    expect(blocks()).toBe((4 * page) / 512);
    MemoryFile.discard(memory);
    expect(blocks()).toBe(0);
    expect(memory[0]).toBe(0);
    file.close();
  });

  it('is null where files may not be that large, and the process lives', () => {
    const script = `
      import { MemoryFile } from ${JSON.stringify(new URL('./memory-file.ts', import.meta.url).href)};
      console.log(MemoryFile.create('nereid_test', 1 << 30));`;
    const node = `${process.execPath} --conditions=nereid-source --import=tsx --input-type=module`;
    const shell = `ulimit -f 1024 && exec ${node} -e "$SCRIPT"`;
    const env = { ...process.env, SCRIPT: script };
    const { stdout, status, signal } = spawnSync('bash', ['-c', shell], { env, encoding: 'utf8' });
    expect([stdout.trim(), status, signal]).toEqual(['null', 0, null]);
  });
});
