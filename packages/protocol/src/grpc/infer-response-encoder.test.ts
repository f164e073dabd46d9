import { describe, expect, it } from 'vitest';
import type { ParameterValue } from '../infer/infer-request-message.ts';
import type { Tensor } from '../tensor.ts';
import { encodeInferResponseMessage, type ResponseForm } from './infer-response-encoder.ts';
import { decodeMessage } from './messages.ts';

const plain: ResponseForm = { streamError: null, finalResponse: null, inSharedMemory: null };
const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

function head(parameters: ReadonlyMap<string, ParameterValue> = noParameters) {
  return { modelName: 'möd', modelVersion: '1', id: 'i', parameters };
}

function tensor(name: string, data: Uint8Array, shape: number[] = [data.length]): Tensor {
  return { name, dataType: 'UINT8', shape, data };
}

interface Decoded {
  outputs: { name: string; datatype: string; shape: number[] }[];
  raw_output_contents: Buffer[];
  parameters: Record<string, object>;
}

function decode(parts: readonly Uint8Array[]): Decoded {
  return decodeMessage('inference.ModelInferResponse', Buffer.concat(parts));
}

describe('encodeInferResponseMessage', () => {
  it('writes what protobuf reads', () => {
    const parameters = new Map<string, ParameterValue>([
      ['b', { kind: 'bool', value: false }],
      ['i', { kind: 'int', value: -5 }],
      ['l', { kind: 'int', value: 2n ** 53n }],
      ['s', { kind: 'string', value: 'tèxt' }],
      ['d', { kind: 'double', value: 0.1 }],
    ]);
    const outputs = [
      tensor('A', Buffer.from('abc')),
      tensor('B', Buffer.alloc(0), []),
      tensor('C', Buffer.alloc(100, 7), [1, 2 ** 31, 300]),
    ];
    expect(decode(encodeInferResponseMessage(head(parameters), outputs, plain))).toMatchObject({
      model_name: 'möd',
      model_version: '1',
      id: 'i',
      parameters: {
        b: { bool_param: false },
        i: { int64_param: -5 },
        l: { int64_param: 2 ** 53 },
        s: { string_param: 'tèxt' },
        d: { double_param: 0.1 },
      },
      outputs: [
        { name: 'A', datatype: 'UINT8', shape: [3] },
        { name: 'B', datatype: 'UINT8', shape: [] },
        { name: 'C', datatype: 'UINT8', shape: [1, 2 ** 31, 300] },
      ],
      raw_output_contents: outputs.map(({ data }) => data),
    });
  });

  it('does not copy large outputs', () => {
    const large = Buffer.alloc(100_000, 1);
    const outputs = [
      tensor('S', Buffer.from('small')),
      tensor('L', large),
      tensor('M', large.subarray(1)),
      tensor('T', Buffer.from('tail')),
    ];
    const parts = encodeInferResponseMessage(head(), outputs, plain);
    expect(parts.filter((part) => part.buffer === large.buffer)).toHaveLength(2);
    expect(decode(parts).raw_output_contents.map((data) => data.length)).toEqual([
      5, 100_000, 99_999, 4,
    ]);
  });

  it('leaves out what is in shared memory', () => {
    const outputs = [tensor('A', Buffer.from('abc')), tensor('B', Buffer.alloc(9999))];
    const form = { ...plain, inSharedMemory: (index: number) => index === 1 };
    const parts = encodeInferResponseMessage(head(), outputs, form);
    expect(parts).toHaveLength(1);
    expect(decode(parts).raw_output_contents).toEqual([Buffer.from('abc'), Buffer.alloc(0)]);
  });

  it('wraps the messages of streams, with the mark of the last one', () => {
    const outputs = [tensor('L', Buffer.alloc(5000, 3))];
    const form = { ...plain, streamError: '', finalResponse: true };
    const parts = encodeInferResponseMessage(head(), outputs, form);
    expect(decodeMessage('inference.ModelStreamInferResponse', Buffer.concat(parts))).toMatchObject(
      {
        error_message: '',
        infer_response: {
          id: 'i',
          parameters: { triton_final_response: { bool_param: true } },
          raw_output_contents: [outputs[0]?.data],
        },
      },
    );
  });

  it('puts an error beside the names of the request', () => {
    const form = { ...plain, streamError: 'gïng wröng', finalResponse: false };
    const parts = encodeInferResponseMessage(head(), [], form);
    expect(decodeMessage('inference.ModelStreamInferResponse', Buffer.concat(parts))).toMatchObject(
      {
        error_message: 'gïng wröng',
        infer_response: { id: 'i', parameters: { triton_final_response: { bool_param: false } } },
      },
    );
  });

  it('refuses what is too large for a message', () => {
    // Never touched: the length alone counts.
    const data = { byteLength: 2 ** 31 } as Uint8Array;
    expect(() =>
      encodeInferResponseMessage(
        head(),
        [{ name: 'A', dataType: 'UINT8', shape: [1], data }],
        plain,
      ),
    ).toThrow(/^Response has byte size \d+ which exceeds gRPC's byte size limit 2147483647\.$/);
  });
});
