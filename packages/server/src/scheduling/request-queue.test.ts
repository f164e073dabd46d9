import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestQueue } from './request-queue.ts';

describe('RequestQueue', () => {
  it('behaves as an array does, whatever the order of operations', () => {
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), value: fc.nat(50) }),
      fc.record({ kind: fc.constant('shift' as const) }),
      fc.record({ kind: fc.constant('remove' as const), value: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const queue = new RequestQueue<number>();
        const model: number[] = [];
        for (const step of operations) {
          if (step.kind === 'push') {
            queue.push(step.value);
            model.push(step.value);
          } else if (step.kind === 'shift') {
            expect(queue.shift()).toBe(model.shift());
          } else {
            const index = model.indexOf(step.value);
            if (index >= 0) model.splice(index, 1);
            expect(queue.remove(step.value)).toBe(index >= 0);
          }
          expect(queue.length).toBe(model.length);
        }
      }),
    );
  });

  it('gives memory back while it is long', () => {
    const queue = new RequestQueue<number>();
    for (let i = 0; i < 5000; i++) queue.push(i);
    for (let i = 0; i < 4000; i++) expect(queue.shift()).toBe(i);
    expect(queue.length).toBe(1000);
    expect(queue.remove(4500)).toBe(true);
    expect(queue.shift()).toBe(4000);
  });
});
