import { decodeMessage, encodeMessage } from '@nereid/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensor } from '../tensor/tensor.ts';
import { inferMessage } from './infer-message.ts';
import { inferResponse, streamAnswer } from './infer-response-message.ts';
import { MessageFrames, messagePrefix } from './message-frames.ts';

interface Request {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: object;
  readonly inputs: readonly {
    name: string;
    datatype: string;
    shape: number[];
    parameters: object;
  }[];
  readonly outputs: readonly { name: string; parameters: object }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

function decoded(pieces: readonly Uint8Array[]): Request {
  return decodeMessage<Request>('inference.ModelInferRequest', Buffer.concat(pieces));
}

describe('inferMessage', () => {
  it('writes what protobuf reads', () => {
    const large = new Float32Array(10_000).fill(0.5);
    const pieces = inferMessage(
      'm',
      {
        A: tensor('INT32', [2], [1, -1]),
        B: tensor('FP32', [1, 10_000], large),
        C: { region: 'r', byteSize: 8, offset: 4, datatype: 'INT64', shape: [1] },
      },
      {
        version: 3,
        id: 'x',
        parameters: { a: -5, b: 1.5, c: 'é', d: true, e: 2n ** 63n },
        sequence: { id: 'seq', start: true },
        priority: 2,
        outputs: ['O', { name: 'P', classCount: 3 }],
      },
    );
    // The large tensor is sent from where it lies.
    expect(pieces.some((piece) => piece.buffer === large.buffer)).toBe(true);
    const request = decoded(pieces);
    expect(request).toMatchObject({
      model_name: 'm',
      model_version: '3',
      id: 'x',
      parameters: {
        a: { int64_param: -5 },
        b: { double_param: 1.5 },
        c: { string_param: 'é' },
        d: { bool_param: true },
        sequence_id: { string_param: 'seq' },
        sequence_start: { bool_param: true },
        sequence_end: { bool_param: false },
        priority: { uint64_param: 2 },
      },
      inputs: [
        { name: 'A', datatype: 'INT32', shape: [2], parameters: {} },
        { name: 'B', datatype: 'FP32', shape: [1, 10_000], parameters: {} },
        {
          name: 'C',
          datatype: 'INT64',
          shape: [1],
          parameters: {
            shared_memory_region: { string_param: 'r' },
            shared_memory_byte_size: { int64_param: 8 },
            shared_memory_offset: { int64_param: 4 },
          },
        },
      ],
      outputs: [{ name: 'O' }, { name: 'P', parameters: { classification: { int64_param: 3 } } }],
    });
    expect(request.raw_input_contents.map(({ length }) => length)).toEqual([8, 40_000]);
  });
});

describe('inferResponse', () => {
  it('reads what protobuf writes', () => {
    const message = encodeMessage('inference.ModelInferResponse', {
      model_name: 'm',
      model_version: '1',
      id: 'x',
      parameters: {
        a: { int64_param: -7 },
        b: { bool_param: true },
        c: { double_param: 0.25 },
        d: { string_param: 's' },
        e: { uint64_param: 9 },
      },
      outputs: [
        { name: 'A', datatype: 'INT16', shape: [2] },
        {
          name: 'S',
          datatype: 'FP32',
          shape: [1],
          parameters: { shared_memory_region: { string_param: 'r' } },
        },
        { name: 'B', datatype: 'BYTES', shape: [1] },
      ],
      raw_output_contents: [
        Uint8Array.of(1, 0, 255, 255),
        new Uint8Array(),
        Uint8Array.of(1, 0, 0, 0, 0x61),
      ],
    });
    const result = inferResponse(message);
    expect(result).toMatchObject({
      modelName: 'm',
      modelVersion: '1',
      id: 'x',
      parameters: { a: -7, b: true, c: 0.25, d: 's', e: 9 },
    });
    expect([...result.outputs.keys()]).toEqual(['A', 'B']);
    expect(result.output('A', 'INT16').data).toEqual(Int16Array.of(1, -1));
    expect(result.output('B').strings()).toEqual(['a']);
    expect(() => result.output('Z')).toThrow("there is no output 'Z'");
    expect(() => result.output('A', 'FP32')).toThrow("output 'A' is INT16, not FP32");
  });

  it('tells an error in a stream from the end of the stream', () => {
    const message = encodeMessage('inference.ModelStreamInferResponse', {
      error_message: 'no',
      infer_response: { id: 'x' },
    });
    expect(streamAnswer(message)).toMatchObject({
      result: null,
      id: 'x',
      error: { message: 'no' },
    });
  });

  it('refuses bytes that are no message, and never hangs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          inferResponse(bytes);
        } catch (error) {
          expect((error as Error).message).toContain('cannot be read');
        }
      }),
    );
  });
});

describe('MessageFrames', () => {
  it('finds the messages however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.integer({ min: 1, max: 9 }), (messages, size) => {
        const bytes = Buffer.concat(
          messages.flatMap((message) => [messagePrefix(message.length, false), message]),
        );
        const frames = new MessageFrames();
        const found: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          frames.read(bytes.subarray(at, at + size), (message) => found.push(message));
        }
        expect(found).toEqual(messages);
        expect(frames.isWhole).toBe(true);
      }),
    );
  });
});
