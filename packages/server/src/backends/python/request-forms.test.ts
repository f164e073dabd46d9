import { describe, expect, it } from 'vitest';
import type { NumberedRequest } from '../worker/open-request.ts';
import { formPayloadBytesMax, formSlots } from './form-slots.ts';
import { RequestForms } from './request-forms.ts';

function numbered(changes: object = {}, parameters: object = {}): NumberedRequest {
  const request = {
    id: '',
    inputs: [{ name: 'X', dataType: 'FP32', shape: [1, 2], data: new Uint8Array(8) }],
    outputNames: ['Y'],
    parameters: {
      sequenceId: null,
      sequenceStart: false,
      sequenceEnd: false,
      timeoutUs: 0,
      custom: new Map(),
      ...parameters,
    },
    ...changes,
  };
  return {
    number: 1,
    ownsInputs: false,
    request: request as unknown as NumberedRequest['request'],
  };
}

function input(changes: object): NumberedRequest {
  const tensor = { name: 'X', dataType: 'FP32', shape: [1, 2], data: new Uint8Array(8) };
  return numbered({ inputs: [{ ...tensor, ...changes }] });
}

describe('RequestForms', () => {
  it('knows a form once it was learnt, whatever the id and the contents', () => {
    const forms = new RequestForms();
    expect(forms.of([numbered()])).toBeNull();
    expect(forms.learn([numbered()])).toEqual([0]);
    const same = numbered({ id: 'b' });
    expect(forms.of([same, numbered()])).toMatchObject([
      { number: 0, payloadBytes: 64 },
      { number: 0 },
    ]);
    expect(forms.learn([same])).toEqual([0]);
  });

  it.each([
    ['name', input({ name: 'Z' })],
    ['type', input({ dataType: 'INT32' })],
    ['shape', input({ shape: [2, 1] })],
    ['rank', input({ shape: [2] })],
    ['size', input({ data: new Uint8Array(12) })],
    ['inputs', numbered({ inputs: [] })],
    ['outputs', numbered({ outputNames: ['Z'] })],
    ['time-out', numbered({}, { timeoutUs: 5 })],
  ])('takes another %s for another form', (_, other) => {
    const forms = new RequestForms();
    forms.learn([numbered()]);
    expect(forms.of([other])).toBeNull();
    expect(forms.learn([numbered(), other])).toEqual([0, 1]);
    expect(forms.of([other, numbered()])).toMatchObject([{ number: 1 }, { number: 0 }]);
  });

  it.each([
    ['a sequence', numbered({}, { sequenceId: 7 })],
    ['the start of a sequence', numbered({}, { sequenceStart: true })],
    ['parameters', numbered({}, { custom: new Map([['a', { kind: 'bool', value: true }]]) })],
    ['a trace', numbered({ trace: { context: '' } })],
    ['answers that wait', numbered({ parent: { paces: true } })],
    ['texts', input({ dataType: 'BYTES' })],
    ['a large tensor', input({ data: new Uint8Array(formPayloadBytesMax + 1) })],
  ])('gives no form to a request with %s', (_, request) => {
    const forms = new RequestForms();
    expect(forms.learn([request, numbered()])).toEqual([null, 0]);
    expect(forms.of([request])).toBeNull();
  });

  it('forgets the oldest form for a new one', () => {
    const forms = new RequestForms();
    const of = (index: number) => input({ shape: [index] });
    for (let index = 0; index < formSlots; index++) {
      expect(forms.learn([of(index)])).toEqual([index]);
    }
    expect(forms.learn([of(formSlots)])).toEqual([0]);
    expect(forms.of([of(0)])).toBeNull();
    expect(forms.of([of(1), of(formSlots)])).toMatchObject([{ number: 1 }, { number: 0 }]);
  });
});
