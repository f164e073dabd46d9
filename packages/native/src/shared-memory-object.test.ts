import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { pageBytes, SharedMemoryObject } from './shared-memory-object.ts';

const key = `/nereid-object-${process.pid}`;
const file = `/dev/shm${key}`;

afterEach(() => rmSync(file, { recursive: true, force: true }));

describe.runIf(process.platform === 'linux')('SharedMemoryObject', () => {
  it('reads and writes the memory of the key, with and without slashes before it', async () => {
    writeFileSync(file, 'abcdefgh');
    for (const name of [key, key.slice(1), `//${key}`]) {
      const object = SharedMemoryObject.open(name);
      const bytes = Buffer.alloc(4);
      expect(object.byteSize).toBe(8);
      expect([object.read(bytes, 2), bytes.toString()]).toEqual([4, 'cdef']);
      expect([await object.readOnThread(bytes, 1), bytes.toString()]).toEqual([4, 'bcde']);
      object.close();
    }
    const object = SharedMemoryObject.open(key);
    object.write(Buffer.from('XY'), 0);
    await object.writeOnThread(Buffer.from('Z'), 7);
    expect(readFileSync(file, 'utf8')).toBe('XYcdefgZ');
    object.close();
  });

  it('comes back with what there is after the object has shrunk', async () => {
    writeFileSync(file, Buffer.alloc(10_000, 1));
    const object = SharedMemoryObject.open(key);
    truncateSync(file, 5000);
    expect(object.byteSize).toBe(5000);
    expect(object.read(Buffer.alloc(10_000), 0)).toBe(5000);
    expect(await object.readOnThread(Buffer.alloc(10_000), 6000)).toBe(0);
    object.close();
  });

  it('refuses what is no key, or no object', () => {
    for (const bad of [
      '',
      '/',
      '///',
      '..',
      '/.',
      'a/b',
      '/../etc/passwd',
      'a\0b',
      'x'.repeat(255),
    ]) {
      expect(() => SharedMemoryObject.open(bad), bad).toThrow('is no key');
    }
    expect(() => SharedMemoryObject.open(key)).toThrow('ENOENT');
    mkdirSync(file);
    expect(() => SharedMemoryObject.open(key)).toThrow('EISDIR');
    rmSync(file, { recursive: true });
    symlinkSync('/etc/hostname', file);
    expect(() => SharedMemoryObject.open(key)).toThrow('ELOOP');
    rmSync(file);
    execFileSync('sh', ['-c', `mkfifo ${file}`]);
    expect(() => SharedMemoryObject.open(key)).toThrow('no shared memory object');
  });

  it('knows the size of a page', () => {
    expect(pageBytes()).toBe(Number(execFileSync('getconf', ['PAGESIZE'])));
  });
});
