import { expect, test } from 'vitest';
import { NativeCallLimit, threadPoolSize } from './native-call-limit.ts';

test('lets so many through and the rest in order', async () => {
  const limit = new NativeCallLimit(2);
  const order: number[] = [];
  const enter = async (id: number): Promise<void> => {
    await limit.acquire(null);
    order.push(id);
  };
  const all = [enter(1), enter(2), enter(3), enter(4)];
  await Promise.all(all.slice(0, 2));
  expect({ order, running: limit.running, waiting: limit.waiting }).toEqual({
    order: [1, 2],
    running: 2,
    waiting: 2,
  });
  expect(limit.tryAcquire()).toBe(false);
  limit.release();
  await all[2];
  limit.release();
  await all[3];
  expect(order).toEqual([1, 2, 3, 4]);
  limit.release();
  limit.release();
  expect(limit.running).toBe(0);
  expect(() => limit.release()).toThrow();
});

test('who gives up waiting takes no place', async () => {
  const limit = new NativeCallLimit(1);
  await limit.acquire(null);
  const stop = new AbortController();
  const waiting = limit.acquire(stop.signal);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'TERMINATED' });
  limit.release();
  expect(limit.tryAcquire()).toBe(true);
});

test('refuses more waiters than its limit', async () => {
  const limit = new NativeCallLimit(1, 1);
  await limit.acquire(null);
  const waiting = limit.acquire(null);
  await expect(limit.acquire(null)).rejects.toMatchObject({ code: 'LIMIT' });
  limit.release();
  await waiting;
});

test.each([
  [{}, 4],
  [{ UV_THREADPOOL_SIZE: '9' }, 9],
  [{ UV_THREADPOOL_SIZE: '0' }, 1],
  [{ UV_THREADPOOL_SIZE: '99999' }, 1024],
  [{ UV_THREADPOOL_SIZE: 'many' }, 4],
])('pool size of %o', (environment, expected) => {
  expect(threadPoolSize(environment)).toBe(expected);
});
