import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { SharedMemoryMapping } from './shared-memory-mapping.ts';
import { pageBytes, SharedMemoryObject } from './shared-memory-object.ts';

const key = `/nereid-mapping-${process.pid}`;
const file = `/dev/shm${key}`;
const supported = process.platform === 'linux' && process.arch === 'x64';
const open: SharedMemoryObject[] = [];

function mapped(content: Uint8Array, offset = 0): SharedMemoryMapping {
  writeFileSync(file, content);
  const object = SharedMemoryObject.open(key);
  open.push(object);
  const mapping = object.map(offset, content.length - offset);
  if (mapping === null) throw new Error('cannot be mapped');
  return mapping;
}

afterEach(() => {
  for (const object of open.splice(0)) object.close();
  rmSync(file, { force: true });
});

describe.runIf(supported)('SharedMemoryMapping', () => {
  it('is the memory of the object', () => {
    const mapping = mapped(
      Buffer.concat([Buffer.alloc(pageBytes(), 'a'), Buffer.from('bcd')]),
      pageBytes(),
    );
    expect(Buffer.from(mapping.bytes).toString()).toBe('bcd');
    mapping.bytes.set(Buffer.from('XY'), 1);
    expect(readFileSync(file).subarray(-3).toString()).toBe('bXY');
    expect(mapping.lost).toBe(false);
    mapping.retire();
  });

  it('finds empty pages where the object was shrunk, and is made whole again', () => {
    const mapping = mapped(Buffer.alloc(3 * pageBytes(), 7));
    truncateSync(file, pageBytes());
    expect([mapping.bytes[0], mapping.lost]).toEqual([7, false]);
    expect([mapping.bytes[2 * pageBytes()], mapping.lost]).toEqual([0, true]);
    mapping.bytes[pageBytes()] = 1;
    writeFileSync(file, Buffer.alloc(3 * pageBytes(), 8));
    // The pages that were lost are not the object's any more.
    expect(mapping.bytes[pageBytes()]).toBe(1);
    expect(mapping.restore()).toBe(true);
    expect([mapping.bytes[pageBytes()], mapping.bytes[2 * pageBytes()], mapping.lost]).toEqual([
      8,
      8,
      false,
    ]);
    mapping.retire();
  });

  it('leaves memory behind that is still looked at, and nobody else sees', () => {
    const { bytes, mapping } = ((made) => ({ bytes: made.bytes, mapping: made }))(
      mapped(Buffer.from('abc')),
    );
    mapping.retire();
    expect([...bytes]).toEqual([0, 0, 0]);
    bytes.fill(1);
    expect(readFileSync(file, 'utf8')).toBe('abc');
  });

  it('uses the slots of retired mappings again', () => {
    for (let round = 0; round < 5000; round++) mapped(Buffer.from('a')).retire();
  });

  const runner = fileURLToPath(new URL('testing/shrinking-object.ts', import.meta.url));
  const run = (...args: string[]) =>
    spawn(process.execPath, ['--conditions=nereid-source', '--import=tsx', runner, key, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  it('survives another process that shrinks and grows the object all the time', async () => {
    const byteLength = 1024 * 1024;
    writeFileSync(file, Buffer.alloc(byteLength, 1));
    const child = run('200');
    let output = '';
    let over = false;
    await once(child.stdout, 'data');
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const closed = once(child, 'close').then((end) => {
      over = true;
      return end;
    });
    while (!over) {
      for (let round = 0; round < 50; round++) {
        truncateSync(file, 0);
        truncateSync(file, byteLength);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await closed).toEqual([0, null]);
    const [, lost] = /survived, lost in (\d+)/u.exec(output) as RegExpExecArray;
    expect(Number(lost)).toBe(200);
  });

  it.each(['unguarded', 'kill'])(
    'ends the process for a SIGBUS of another cause: %s',
    async (manner) => {
      writeFileSync(file, Buffer.alloc(8192));
      const child = run('0', manner);
      expect(await once(child, 'close')).toEqual([null, 'SIGBUS']);
    },
  );
});
