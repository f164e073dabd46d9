import { defaultRequestParameters, type ParameterValue } from '@nereid/protocol';
import { RecordingTrace } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { Cancellation } from '../../core/cancellation.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import { executeText } from './request-text.ts';

function request(changes: Partial<InferRequest>): InferRequest {
  return {
    id: 'a "b"',
    parameters: defaultRequestParameters,
    inputs: [{ name: 'X', dataType: 'INT32', shape: [2], data: new Uint8Array(8) }],
    outputNames: ['Y'],
    batchSize: 1,
    cancellation: new Cancellation(),
    startNs: 0,
    ...changes,
  };
}

function textOf(changes: Partial<InferRequest>): string {
  const numbered = { number: 9, request: request(changes), ownsInputs: true };
  return executeText(3, [numbered], () => [['X', 'INT32', [2], 8]], null);
}

describe('executeText', () => {
  it('is JSON with everything that a model can ask for', () => {
    expect(JSON.parse(textOf({}))).toEqual({
      kind: 'execute',
      batch: 3,
      requests: [
        {
          number: 9,
          id: 'a "b"',
          correlation: 0,
          flags: 0,
          timeout: 0,
          parameters: '{}',
          outputs: ['Y'],
          inputs: [['X', 'INT32', [2], 8]],
        },
      ],
    });
  });

  it('says what memory is granted for the answer', () => {
    const numbered = { number: 9, request: request({}), ownsInputs: true };
    const text = executeText(3, [numbered], () => [['X', 'INT32', [2], 8, 65536]], [131072, 8]);
    expect(JSON.parse(text)).toMatchObject({
      grant: [131072, 8],
      requests: [{ inputs: [['X', 'INT32', [2], 8, 65536]] }],
    });
  });

  it('has the context of a trace, for requests that have one', () => {
    const trace = new RecordingTrace();
    const text = textOf({ trace });
    expect(JSON.parse(text)).toMatchObject({ requests: [{ number: 9, trace: '' }] });
  });

  it.each([true, false])('says whether answers must wait for each other (%s)', (paces) => {
    const parent = { paces } as InferRequest['parent'] & object;
    const text = textOf({ parent });
    expect(JSON.parse(text).requests[0].paced).toBe(paces ? true : undefined);
  });

  it('rounds no integer', () => {
    const custom = new Map<string, ParameterValue>([
      ['i', { kind: 'int', value: 2n ** 63n - 1n }],
      ['d', { kind: 'double', value: 2 }],
      ['s', { kind: 'string', value: '"' }],
      ['b', { kind: 'bool', value: false }],
    ]);
    const parameters = {
      ...defaultRequestParameters,
      sequenceId: 2n ** 64n - 1n,
      sequenceStart: true,
      sequenceEnd: true,
      timeoutUs: 2n ** 63n,
      custom,
    };
    const text = textOf({ parameters });
    expect(text).toContain(
      '"correlation":18446744073709551615,"flags":3,"timeout":9223372036854775808',
    );
    const { requests } = JSON.parse(text) as { requests: { parameters: string }[] };
    expect(requests[0]?.parameters).toBe('{"i":9223372036854775807,"d":2.0,"s":"\\"","b":false}');
  });
});
