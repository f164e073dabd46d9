import { BodyMemory } from '@nereid/transport';
import { afterEach, describe, expect, it } from 'vitest';
import { SharedBlocks } from './shared-blocks.ts';

const large = 100_000;
const opened: SharedBlocks[] = [];

function openBlocks(): SharedBlocks {
  const blocks = new SharedBlocks();
  blocks.acquire();
  opened.push(blocks);
  return blocks;
}

afterEach(() => {
  for (const blocks of opened.splice(0)) blocks.release();
});

describe.runIf(process.platform === 'linux')('SharedBlocks', () => {
  it('has some while a worker wants them', () => {
    const blocks = new SharedBlocks();
    expect([blocks.active, blocks.allocate(large)]).toEqual([false, null]);
    expect(blocks.acquire()).toBe(blocks.acquire());
    const early = blocks.allocate(large) as Buffer;
    expect([blocks.active, early.length, blocks.placeOf(early)]).toEqual([true, large, 0]);
    blocks.release();
    expect(blocks.active).toBe(true);
    blocks.release();
    expect([blocks.active, blocks.allocate(large)]).toEqual([false, null]);
    // A later worker has another file.
    blocks.acquire();
    expect([blocks.placeOf(early), blocks.hold(early), blocks.owns(early)]).toEqual([
      null,
      null,
      false,
    ]);
    expect(blocks.placeOf(blocks.allocate(large) as Buffer)).toBe(0);
    blocks.release();
  });

  it('says where tensors are, of its own blocks alone', () => {
    const blocks = openBlocks();
    blocks.allocate(large);
    const second = blocks.allocate(large) as Buffer;
    expect(blocks.placeOf(second.subarray(64))).toBe(128 * 1024 + 64);
    expect(blocks.hold(second.subarray(64))?.place).toBe(128 * 1024 + 64);
    expect(blocks.hold(second.subarray(65))).toBe(null);
    expect([blocks.placeOf(Buffer.alloc(large)), blocks.hold(Buffer.alloc(large))]).toEqual([
      null,
      null,
    ]);
  });

  it('has a body used again when it is given back and every worker has let go of it', () => {
    const blocks = openBlocks();
    const memory = new BodyMemory(null, undefined, blocks);
    const body = memory.allocate(large, 0);
    const holds = [blocks.hold(body.subarray(8)), blocks.hold(body)];
    memory.recycle(body);
    const other = memory.allocate(large, 0);
    expect(other.buffer).not.toBe(body.buffer);
    holds[0]?.letGo();
    expect(memory.allocate(large, 0).buffer).not.toBe(body.buffer);
    holds[1]?.letGo();
    expect(memory.allocate(large, 0).buffer).toBe(body.buffer);
    const held = blocks.hold(other);
    held?.letGo();
    memory.recycle(other);
    expect(memory.allocate(large, 0).buffer).toBe(other.buffer);
  });

  it('does not use bodies again that were read before there were blocks', () => {
    const blocks = new SharedBlocks();
    const memory = new BodyMemory(null, undefined, blocks);
    const early = memory.allocate(3 * large, 0);
    memory.recycle(early);
    blocks.acquire();
    opened.push(blocks);
    const late = memory.allocate(3 * large, 0);
    expect([blocks.owns(early), blocks.owns(late)]).toEqual([false, true]);
  });
});
