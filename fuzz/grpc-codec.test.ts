import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeInferResponseMessage } from '../packages/protocol/src/grpc/infer-response-encoder.ts';
import {
  decodeMessage,
  encodeMessage,
  inferRequestOf,
  type ParameterValue,
  rawContentsOffset,
  readInferRequest,
  type Tensor,
  TritonError,
} from '../packages/protocol/src/index.ts';

const context = { sharedMemory: (): Uint8Array => new Uint8Array(0) };

const text = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .map((value) => value.replaceAll('\0', ''));
const int64 = fc.maxSafeInteger();
const parameter = fc.oneof(
  fc.record({ bool_param: fc.boolean() }),
  fc.record({ int64_param: int64 }),
  fc.record({ string_param: text }),
  fc.record({ double_param: fc.double({ noNaN: true }) }),
);
const parameters = fc.dictionary(
  text.map((key) => `p${key}`),
  parameter,
  { maxKeys: 4 },
);
const contents = fc.oneof(
  fc.record({ bool_contents: fc.array(fc.boolean()) }),
  fc.record({ int_contents: fc.array(fc.integer()) }),
  fc.record({ fp64_contents: fc.array(fc.double({ noNaN: true })) }),
  fc.record({ bytes_contents: fc.array(fc.uint8Array({ maxLength: 20 })) }),
);
const input = fc.record({
  name: text,
  datatype: fc.constantFrom('BOOL', 'INT32', 'FP64', 'BYTES', 'what'),
  shape: fc.array(int64, { maxLength: 4 }),
});
const request = fc.record({
  model_name: text,
  model_version: text,
  id: text,
  parameters,
  inputs: fc.array(input, { maxLength: 3 }),
  outputs: fc.array(fc.record({ name: text }), { maxLength: 3 }),
  raw_input_contents: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
});

/** Reads a request by the rules; what it refuses, it refuses as a TritonError. */
function read(message: Uint8Array): unknown {
  try {
    return inferRequestOf(readInferRequest(message), context);
  } catch (failure) {
    if (failure instanceof TritonError) return failure;
    throw failure;
  }
}

describe('a request', () => {
  test('is read as protobuf.js writes it', () => {
    fc.assert(
      fc.property(request, (fields) => {
        const message = Buffer.from(encodeMessage('inference.ModelInferRequest', fields));
        const wire = readInferRequest(message);
        expect(wire.modelName).toBe(fields.model_name);
        expect(wire.modelVersion).toBe(fields.model_version);
        expect(wire.id).toBe(fields.id);
        expect(wire.parameters?.size ?? 0).toBe(Object.keys(fields.parameters).length);
        for (const [key, value] of Object.entries(fields.parameters)) {
          expect(wire.parameters?.get(key)).toMatchObject({ value: Object.values(value)[0] });
        }
        expect(wire.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }))).toEqual(
          fields.inputs,
        );
        expect(wire.outputs.map(({ name }) => ({ name }))).toEqual(fields.outputs);
        expect(wire.rawContents.map((data) => Buffer.from(data))).toEqual(
          fields.raw_input_contents.map((data) => Buffer.from(data)),
        );
        const offset = rawContentsOffset(message);
        const [first] = fields.raw_input_contents;
        if (first !== undefined && first.length > 0) {
          expect(message.subarray(offset ?? 0, (offset ?? 0) + first.length)).toEqual(
            Buffer.from(first),
          );
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('that is cut or changed is read or refused, and nothing else', () => {
    const withContents = request.chain((fields) =>
      fc.array(contents, { maxLength: 3 }).map((all) => ({
        ...fields,
        inputs: fields.inputs.map((one, index) =>
          all[index] === undefined ? one : { ...one, contents: all[index] },
        ),
      })),
    );
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(withContents, changes, fc.nat(), (fields, edits, cut) => {
        const message = Buffer.from(encodeMessage('inference.ModelInferRequest', fields));
        read(message);
        for (const [at, byte] of edits) message[at % Math.max(1, message.length)] = byte;
        read(message);
        read(message.subarray(0, cut % (message.length + 1)));
        rawContentsOffset(message.subarray(0, cut % (message.length + 1)));
      }),
      { numRuns: 4000 },
    );
  });

  test('of any bytes is read or refused, as protobuf.js does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        read(bytes);
      }),
      { numRuns: 10_000 },
    );
  });
});

const parameterValue: fc.Arbitrary<ParameterValue> = fc.oneof(
  fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('int' as const), value: int64 }),
  fc.record({ kind: fc.constant('string' as const), value: text }),
  fc.record({ kind: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
);
const output: fc.Arbitrary<Tensor> = fc.record({
  name: text,
  dataType: fc.constantFrom('UINT8' as const, 'BYTES' as const),
  shape: fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 4 }),
  data: fc.nat({ max: 9000 }).map((size) => Buffer.alloc(size, size)),
});

test('a response is what protobuf.js reads', () => {
  const head = fc.record({
    modelName: text,
    modelVersion: text,
    id: text,
    parameters: fc
      .array(fc.tuple(text, parameterValue), { maxLength: 4 })
      .map((all) => new Map(all)),
  });
  fc.assert(
    fc.property(
      head,
      fc.array(output, { maxLength: 3 }),
      fc.boolean(),
      (given, outputs, stream) => {
        const form = {
          streamError: stream ? given.id : null,
          finalResponse: null,
          inSharedMemory: null,
        };
        const message = Buffer.concat(encodeInferResponseMessage(given, outputs, form));
        const name = stream ? 'ModelStreamInferResponse' : 'ModelInferResponse';
        const decoded = decodeMessage<{ infer_response: object }>(`inference.${name}`, message);
        const response = (stream ? decoded.infer_response : decoded) as Record<string, object> & {
          raw_output_contents: Buffer[];
          parameters: object;
        };
        const { raw_output_contents: raw, parameters, ...fields } = response;
        expect(fields).toMatchObject({
          model_name: given.modelName,
          model_version: given.modelVersion,
          id: given.id,
          outputs: outputs.map(({ name, dataType, shape }) => ({
            name,
            datatype: dataType,
            shape,
          })),
        });
        expect(raw.length).toBe(outputs.length);
        expect(raw.every((data, index) => data.equals((outputs[index] as Tensor).data))).toBe(true);
        expect(Object.keys(parameters)).toHaveLength(given.parameters.size);
      },
    ),
    { numRuns: 800 },
  );
});
