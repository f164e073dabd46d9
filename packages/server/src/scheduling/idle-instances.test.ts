import { describe, expect, it } from 'vitest';
import type { BackendInstance } from '../core/backend.ts';
import { IdleInstances } from './idle-instances.ts';

const instance = (name: string): BackendInstance => ({ name, execute: () => null });
const [a, b, c] = ['a', 'b', 'c'].map(instance) as [
  BackendInstance,
  BackendInstance,
  BackendInstance,
];

describe('IdleInstances', () => {
  it('gives the one that came back last', () => {
    const idle = new IdleInstances([a, b]);
    expect(idle.pop()).toBe(a);
    idle.push(a);
    expect([idle.pop(), idle.pop(), idle.pop()]).toEqual([a, b, undefined]);
  });

  it('is done at once with an idle one that is wanted no more', async () => {
    const idle = new IdleInstances([a, b]);
    await idle.replace([b, c]);
    expect(new Set([idle.pop(), idle.pop()])).toEqual(new Set([b, c]));
    expect(idle.length).toBe(0);
  });

  it('waits for a busy one that is wanted no more, and does not give it again', async () => {
    const idle = new IdleInstances([a, b]);
    const busy = idle.pop() as BackendInstance;
    let gone = false;
    const replaced = idle.replace([b]).then(() => {
      gone = true;
    });
    await Promise.resolve();
    expect([gone, idle.keeps(busy), idle.keeps(b)]).toEqual([false, false, true]);
    idle.push(busy);
    await replaced;
    expect([idle.pop(), idle.pop()]).toEqual([b, undefined]);
  });

  it('keeps a busy one that is still wanted', async () => {
    const idle = new IdleInstances([a]);
    idle.pop();
    await idle.replace([a, b]);
    idle.push(a);
    expect([idle.pop(), idle.pop()]).toEqual([a, b]);
  });
});
