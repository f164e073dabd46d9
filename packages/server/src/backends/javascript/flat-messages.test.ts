import { describe, expect, it } from 'vitest';
import { flatRequests, flatResponses, readRequests, readResponses } from './flat-messages.ts';
import type { ThreadRequest } from './thread-message.ts';

const request: ThreadRequest = {
  number: 7,
  id: 'a',
  batchSize: 2,
  correlationId: 2n ** 63n,
  flags: 3,
  timeoutUs: 5,
  parameters: [['p', 'int', '5']],
  outputNames: ['Y', 'Z'],
  inputs: [
    ['X', 'FP32', [2, 3], 24],
    ['scalar', 'BYTES', [], 0],
  ],
};

describe('requests', () => {
  it.each([
    [[]],
    [[request]],
    [[request, { ...request, outputNames: [], inputs: [], parameters: null }, request]],
  ])('come out as they went in', (requests) => {
    expect(readRequests(structuredClone(flatRequests(requests)))).toEqual(requests);
  });
});

describe('responses', () => {
  it('come out as they went in', () => {
    const responses = [
      null,
      { reschedule: true } as const,
      { error: { code: 'NOT_FOUND', message: 'no' } } as const,
      { tensors: request.inputs },
      { tensors: [] },
      { tensors: request.inputs, parameters: [['b', 'bool', true]] } as const,
    ];
    expect(readResponses(structuredClone(flatResponses(responses)))).toEqual(responses);
  });
});
