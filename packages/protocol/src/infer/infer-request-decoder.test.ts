import { describe, expect, it } from 'vitest';
import { httpStatusByCode } from '../status-code.ts';
import { TritonError } from '../triton-error.ts';
import { decodeInferRequest, type InferRequestContext } from './infer-request-decoder.ts';
import type { InferRequestMessage, SharedMemoryRange } from './infer-request-message.ts';

const region = Buffer.from('shared memory of some bytes');
const context: InferRequestContext = {
  modelName: 'm',
  inputBytesMax: 1 << 22,
  sharedMemory({ region: name, offset, byteSize }: SharedMemoryRange): Uint8Array {
    if (name !== 'r') throw new TritonError('NOT_FOUND', `no region ${name}`);
    return region.subarray(Number(offset), Number(offset) + Number(byteSize));
  },
};

function decode(json: unknown, tail: Uint8Array = new Uint8Array(0)): InferRequestMessage {
  const header = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  return decodeInferRequest(Buffer.concat([header, tail]), header.length, context);
}

/** `<HTTP status> <text>` of the failure. */
function faultOf(json: unknown, tail?: Uint8Array): string {
  try {
    decode(json, tail);
  } catch (failure) {
    if (!(failure instanceof TritonError)) throw failure;
    return `${httpStatusByCode[failure.code]} ${failure.message}`;
  }
  throw new Error('no fault');
}

function binaryInput(name: string, byteSize: unknown): object {
  return { name, shape: [4], datatype: 'UINT8', parameters: { binary_data_size: byteSize } };
}

const plainInput = { name: 'I', shape: [1], datatype: 'UINT8', data: [1] };

describe('a whole request', () => {
  it('reads id, parameters, inputs and outputs', () => {
    const message = decode(
      {
        id: 'é1',
        parameters: { priority: 3, timeout: 250, binary_data_output: true, other: 1.5 },
        inputs: [
          binaryInput('B', 4),
          { name: 'J', shape: [2, 1], datatype: 'INT16', data: [[-1], [2]] },
          {
            name: 'S',
            shape: [3],
            datatype: 'UINT8',
            parameters: {
              shared_memory_region: 'r',
              shared_memory_offset: 7,
              shared_memory_byte_size: 3,
            },
          },
        ],
        outputs: [
          { name: 'O', parameters: { binary_data: true, classification: 2 } },
          { name: 'P' },
          { name: 'Q', parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8 } },
        ],
      },
      Buffer.from([9, 8, 7, 6]),
    );
    expect(message.id).toBe('é1');
    expect(message.rawInput).toBeNull();
    expect(message.parameters).toMatchObject({
      sequenceId: null,
      priority: 3,
      timeoutUs: 250,
      binaryDataOutput: true,
    });
    expect([...message.parameters.custom]).toEqual([['other', { kind: 'double', value: 1.5 }]]);
    expect(message.inputs.map(({ data, ...rest }) => ({ ...rest, data: [...data] }))).toEqual([
      { name: 'B', dataType: 'UINT8', shape: [4], data: [9, 8, 7, 6] },
      { name: 'J', dataType: 'INT16', shape: [2, 1], data: [0xff, 0xff, 2, 0] },
      { name: 'S', dataType: 'UINT8', shape: [3], data: [...Buffer.from('mem')] },
    ]);
    expect(message.outputs).toEqual([
      { name: 'O', binary: true, classificationCount: 2, sharedMemory: null },
      { name: 'P', binary: false, classificationCount: 0, sharedMemory: null },
      {
        name: 'Q',
        binary: false,
        classificationCount: 0,
        sharedMemory: { region: 'r', offset: 0, byteSize: 8 },
      },
    ]);
  });

  it('gives views of the body for binary data, of repeated headers too', () => {
    const header = Buffer.from(
      JSON.stringify({ inputs: [binaryInput('A', 1), binaryInput('B', 3)] }),
    );
    for (let round = 0; round < 3; round++) {
      const body = Buffer.concat([header, Buffer.from([round, 1, 2, 3])]);
      const { inputs } = decodeInferRequest(body, header.length, context);
      expect(inputs.map(({ data }) => [...data])).toEqual([[round], [1, 2, 3]]);
      for (const { data } of inputs) expect(data.buffer).toBe(body.buffer);
    }
  });

  it('checks the binary data of a repeated header anew', () => {
    const header = JSON.stringify({ inputs: [binaryInput('again', 4)] });
    expect(decode(header, Buffer.alloc(4)).inputs).toHaveLength(1);
    expect(faultOf(header, Buffer.alloc(5))).toBe(
      "400 unexpected additional input data for model 'm'",
    );
    expect(faultOf(header, Buffer.alloc(1))).toBe(
      "400 unexpected size for input 'again', expecting 3 additional bytes for model 'm'",
    );
  });

  it('asks for shared memory each time', () => {
    const input = {
      ...plainInput,
      data: undefined,
      parameters: { shared_memory_region: 'r', shared_memory_byte_size: 1 },
    };
    let uses = 0;
    const counting = {
      ...context,
      sharedMemory: () => {
        uses++;
        return region;
      },
    };
    const header = Buffer.from(
      JSON.stringify({
        inputs: [binaryInput('B', 1), input],
        outputs: [{ name: 'O', parameters: { shared_memory_region: 'r' } }],
      }),
    );
    const body = Buffer.concat([header, Buffer.alloc(1)]);
    for (let round = 0; round < 2; round++) decodeInferRequest(body, header.length, counting);
    expect(uses).toBe(4);
  });

  it('takes a body without JSON for one raw input with binary outputs', () => {
    const body = Buffer.from('raw');
    const message = decodeInferRequest(body, 0, context);
    expect(message.rawInput).toBe(body);
    expect(message.parameters.binaryDataOutput).toBe(true);
    expect(() => decodeInferRequest(body, 0, { ...context, inputBytesMax: 2 })).toThrow(
      'Raw input has a byte_size (3 bytes) that exceeds the maximum allowed value of 2 bytes.',
    );
  });

  it('ends names and ids at a NUL, as C does', () => {
    const message = decode({ id: 'a\0b', inputs: [{ ...plainInput, name: 'I\0x' }] });
    expect([message.id, message.inputs[0]?.name]).toEqual(['a', 'I']);
  });
});

describe('members of the wrong kind', () => {
  it.each([
    ['[]', "500 Unable to parse 'inputs': attempt to access non-existing object member 'inputs'"],
    ['{"id":1}', "500 Unable to parse 'id': attempt to access JSON non-string as string"],
    ['{"inputs":{}}', "500 Unable to parse 'inputs': attempt to access JSON non-array as array"],
    [
      '{"inputs":[1]}',
      "400 Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But no field is set",
    ],
    [
      '{"inputs":[{"data":1,"parameters":{"binary_data_size":1}}]}',
      "400 Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But set 'data' 'binary_data_size'",
    ],
    [
      '{"inputs":[{"data":1}]}',
      "500 Unable to parse 'name': attempt to access non-existing object member 'name'",
    ],
    [
      '{"inputs":[{"data":1,"name":"I"}]}',
      "500 Unable to parse 'datatype': attempt to access non-existing object member 'datatype'",
    ],
    [
      '{"inputs":[{"data":1,"name":"I","datatype":"FP32","shape":[-1]}]}',
      "500 Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      '{"inputs":[{"data":1,"name":"I","datatype":"FP32","shape":[1.0]}]}',
      "500 Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      '{"inputs":[{"data":1,"name":"I","datatype":"FP32","shape":[1]}]}',
      "500 Unable to parse 'data': attempt to access JSON non-array as array",
    ],
    [
      '{"inputs":[{"data":[1],"name":"I","datatype":"FP32","shape":[1],"parameters":{"shared_memory_offset":"x"}}]}',
      "500 Unable to parse 'shared_memory_offset': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      '{"inputs":[],"outputs":1}',
      "500 Unable to parse 'outputs': attempt to access JSON non-array as array",
    ],
    [
      '{"inputs":[],"outputs":[{"name":"O","parameters":{"classification":"3"}}]}',
      "500 Unable to set 'classification': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      '{"inputs":[],"outputs":[{"name":"O","parameters":{"binary_data":1}}]}',
      "500 Unable to parse 'binary_data': attempt to access JSON non-boolean as boolean",
    ],
    [
      '{"inputs":[],"outputs":[{"name":"O","parameters":{"shared_memory_region":"r","binary_data":true}}]}',
      "400 Output can't set both 'shared_memory_region' and 'binary_data'",
    ],
    [
      '{"inputs":[],"outputs":[{"name":"O","parameters":{"shared_memory_region":"r","classification":1}}]}',
      "400 Output can't set both 'shared_memory_region' and 'classification'",
    ],
    [
      '{"parameters":[]}',
      '500 failed to get request params.: attempt to get members for non-object',
    ],
    [
      '{"parameters":{"sequence_id":-1}}',
      "500 Unable to parse 'sequence_id': attempt to access JSON non-string as string",
    ],
    [
      '{"parameters":{"priority":-1}}',
      "500 Unable to parse 'priority': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      '{"parameters":{"triton_x":1}}',
      "400 parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
    ],
    [
      '{"parameters":{"x":null}}',
      "400 parameter 'x' has invalid type. It should be either 'int', 'bool', or 'string'.",
    ],
    [
      '{"parameters":{"data":[1]}}',
      "400 parameter 'data' has invalid type. It should be either 'int', 'bool', or 'string'.",
    ],
  ])('%s', (json, fault) => {
    expect(faultOf(json)).toBe(fault);
  });
});

describe('shapes', () => {
  const input = (shape: unknown, datatype = 'FP32', data: unknown = [1]): string =>
    `{"inputs":[{"name":"I","datatype":"${datatype}","shape":${typeof shape === 'string' ? shape : JSON.stringify(shape)},"data":${JSON.stringify(data)}}]}`;

  it('reads no data for shapes without elements, an empty one among them', () => {
    for (const shape of [[], [0], [3, 0, 2]]) {
      const [tensor] = decode(input(shape)).inputs;
      expect(tensor).toMatchObject({ shape });
      expect(tensor?.data).toHaveLength(0);
    }
  });

  it.each([
    [
      '[9223372036854775808]',
      "400 invalid shape for input 'I': shape [-9223372036854775808] contains one or more invalid dimensions",
    ],
    [
      '[9223372036854775808,0]',
      "400 invalid shape for input 'I': shape [-9223372036854775808,0] contains one or more invalid dimensions",
    ],
    [
      '[4611686018427387904,4]',
      "400 invalid shape for input 'I': shape [4611686018427387904,4] causes total element count to exceed maximum size of 9223372036854775807",
    ],
    [
      '[18446744073709551615]',
      "400 JSON input 'I' has a byte_size (18446744073709551612 bytes) that exceeds the maximum allowed value of 4194304 bytes. Use --http-max-input-size to increase the limit.",
    ],
    [
      '[4611686018427387904]',
      "400 byte size overflow for input 'I': element count (4611686018427387904) * data type size (4) exceeds maximum allowed size (9223372036854775807)",
    ],
    [
      '[1048577]',
      "400 JSON input 'I' has a byte_size (4194308 bytes) that exceeds the maximum allowed value of 4194304 bytes. Use --http-max-input-size to increase the limit.",
    ],
    [
      '[9007199254740993]',
      "400 JSON input 'I' has a byte_size (36028797018963968 bytes) that exceeds the maximum allowed value of 4194304 bytes. Use --http-max-input-size to increase the limit.",
    ],
  ])('refuses %s', (shape, fault) => {
    expect(faultOf(input(shape))).toBe(fault);
  });

  it('takes a zero before a size that overflows', () => {
    expect(decode(input('[0,9223372036854775808]')).inputs[0]?.data).toHaveLength(0);
  });

  it('survives a million dimensions', () => {
    const shape = new Array(1_000_000).fill(1);
    expect(decode(input(shape)).inputs[0]?.shape).toHaveLength(1_000_000);
    expect(faultOf(input(shape.fill(2)))).toContain('causes total element count to exceed');
  });

  it('refuses types that JSON cannot carry', () => {
    expect(faultOf(input([1], 'FP16'))).toBe(
      '400 receiving FP16 data via JSON is not supported. Please use the binary data format for input I',
    );
    expect(faultOf(input([1], 'BF16'))).toBe(
      '400 receiving BF16 data via JSON is not supported. Please use the binary data format for input I',
    );
    expect(faultOf(input([1], 'constructor'))).toBe('400 invalid datatype for input I');
  });
});

describe('binary data', () => {
  it.each<[unknown, string]>([
    [
      -1,
      "500 Unable to parse 'binary_data_size': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [5, "400 unexpected size for input 'I', expecting 1 additional bytes for model 'm'"],
    [3, "400 unexpected additional input data for model 'm'"],
  ])('of 4 bytes is not taken for %d', (byteSize, fault) => {
    expect(faultOf({ inputs: [binaryInput('I', byteSize)] }, Buffer.alloc(4))).toBe(fault);
  });

  it('counts missing bytes exactly up to 2^64', () => {
    const json = JSON.stringify({ inputs: [binaryInput('I', 0)] }).replace(
      ':0}',
      ':18446744073709551615}',
    );
    expect(faultOf(json, Buffer.alloc(4))).toBe(
      "400 unexpected size for input 'I', expecting 18446744073709551611 additional bytes for model 'm'",
    );
  });

  it('reports faults in the order of the inputs, and those of outputs last', () => {
    const short = { inputs: [binaryInput('A', 9), { name: 'B' }], outputs: [{}] };
    expect(faultOf(short)).toContain("unexpected size for input 'A'");
    expect(faultOf({ ...short, inputs: [{ name: 'B' }, binaryInput('A', 9)] })).toContain(
      'But no field is set',
    );
    expect(faultOf({ inputs: [], outputs: [{}] }, Buffer.alloc(1))).toContain(
      'unexpected additional',
    );
  });
});

describe('repeated names', () => {
  it('refuses an input, and takes the first of two outputs', () => {
    expect(faultOf({ inputs: [plainInput, plainInput] })).toBe(
      "400 [request id: <id_unknown>] input 'I' already exists in request",
    );
    expect(faultOf({ id: 'q', inputs: [plainInput, plainInput] })).toContain('[request id: q]');
    const { outputs } = decode({
      inputs: [],
      outputs: [{ name: 'O', parameters: { binary_data: true } }, { name: 'O' }],
    });
    expect(outputs).toEqual([
      { name: 'O', binary: true, classificationCount: 0, sharedMemory: null },
    ]);
  });

  it('survives 100,000 outputs', () => {
    const outputs = Array.from({ length: 100_000 }, (_, i) => ({ name: `O${i % 50_000}` }));
    expect(decode({ inputs: [], outputs }).outputs).toHaveLength(50_000);
  });
});

describe('parameters', () => {
  const parametersOf = (json: string): InferRequestMessage['parameters'] =>
    decode(`{"inputs":[],"parameters":${json}}`).parameters;

  it('tells the kinds of custom parameters apart', () => {
    const { custom } = parametersOf(
      '{"i":1,"d":1.0,"b":true,"s":"x","big":9223372036854775807,"bigger":9223372036854775808,"n":NaN,"__proto__":2}',
    );
    expect([...custom]).toEqual([
      ['i', { kind: 'int', value: 1 }],
      ['d', { kind: 'double', value: 1 }],
      ['b', { kind: 'bool', value: true }],
      ['s', { kind: 'string', value: 'x' }],
      ['big', { kind: 'int', value: 9223372036854775807n }],
      ['bigger', { kind: 'double', value: 2 ** 63 }],
      ['n', { kind: 'double', value: Number.NaN }],
      ['__proto__', { kind: 'int', value: 2 }],
    ]);
  });

  it('takes sequence ids as numbers and strings', () => {
    expect(parametersOf('{"sequence_id":18446744073709551615}').sequenceId).toBe(2n ** 64n - 1n);
    expect(parametersOf('{"sequence_id":"s","sequence_start":true}')).toMatchObject({
      sequenceId: 's',
      sequenceStart: true,
      sequenceEnd: false,
    });
  });
});

it('refuses JSON that is too large before reading it', () => {
  expect(faultOf(`{"id":"${'x'.repeat(1 << 22)}"}`)).toBe(
    '400 request JSON size of 4194313 bytes exceeds the maximum allowed input size of 4194304 bytes. Use --http-max-input-size to increase the limit.',
  );
});
