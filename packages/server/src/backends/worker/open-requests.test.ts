import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OpenRequest } from './open-request.ts';
import { OpenRequests } from './open-requests.ts';

it('finds what is open by numbers that are never given twice', () => {
  // Steps: open one, or end the one that was opened so many before.
  const steps = fc.array(fc.option(fc.nat(300), { freq: 2 }), { maxLength: 600 });
  fc.assert(
    fc.property(steps, (all) => {
      const requests = new OpenRequests();
      const open = new Map<number, OpenRequest>();
      const given: number[] = [];
      for (const step of all) {
        if (step === null) {
          const number = requests.nextNumber();
          expect(given.at(-1) ?? 0).toBeLessThan(number);
          given.push(number);
          const request = { number } as OpenRequest;
          requests.add(request);
          open.set(number, request);
        } else {
          const number = given.at(-1 - step) ?? 0;
          expect(requests.get(number)).toBe(open.get(number));
          requests.delete(number);
          open.delete(number);
        }
      }
      const byNumber = (a: OpenRequest, b: OpenRequest): number => a.number - b.number;
      expect(requests.all().toSorted(byNumber)).toEqual([...open.values()]);
      for (const number of given) expect(requests.get(number)).toBe(open.get(number));
    }),
    { numRuns: 50 },
  );
});

it('stays small beside one that is open for long', () => {
  const requests = new OpenRequests();
  const add = (): OpenRequest => {
    const request = { number: requests.nextNumber() } as OpenRequest;
    requests.add(request);
    return request;
  };
  const first = add();
  for (let count = 0; count < 1000; count++) requests.delete(add().number);
  expect(requests.all()).toEqual([first]);
  expect(requests.get(first.number)).toBe(first);
});
