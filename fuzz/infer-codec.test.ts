import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  classify,
  type DataType,
  dataTypes,
  decodeInferRequest,
  elementByteSize,
  encodeInferResponse,
  type InferRequestContext,
  type Tensor,
  TritonError,
} from '../packages/protocol/src/index.ts';

const context: InferRequestContext = {
  modelName: 'm',
  inputBytesMax: 1 << 20,
  sharedMemory: () => {
    throw new TritonError('NOT_FOUND', 'no region');
  },
};

const jsonTypes = dataTypes.filter((type) => !['FP16', 'BF16', 'BYTES', 'BOOL'].includes(type));
const anyInteger = fc.oneof(
  fc.nat(20),
  fc.integer(),
  fc.constantFrom<unknown>(
    'x',
    null,
    true,
    1.5,
    -1,
    2 ** 31,
    2 ** 53,
    2 ** 63,
    2 ** 64,
    1e300,
    [],
    {},
  ),
);

/** Tensors of numbers whose bits are anything, and strings. */
const tensor: fc.Arbitrary<Tensor> = fc
  .record({
    name: fc.string({ unit: 'binary', maxLength: 12 }).map((name) => name.replaceAll('\0', '')),
    dataType: fc.constantFrom(...jsonTypes),
    count: fc.nat(20),
    bytes: fc.uint8Array({ minLength: 160, maxLength: 160 }),
    offset: fc.nat(7),
  })
  .map(({ name, dataType, count, bytes, offset }) => {
    const length = count * elementByteSize(dataType);
    const memory = new Uint8Array(length + 8);
    const data = memory.subarray(offset, offset + length);
    data.set(bytes.subarray(0, length));
    return { name, dataType, shape: [count], data };
  });

/** Bytes as the type's numbers, so that one NaN is as good as another. */
function numbersOf({ dataType, data }: Tensor): unknown[] {
  const copy = new Uint8Array(data).buffer;
  if (dataType === 'FP32') return [...new Float32Array(copy)].map((value) => value + 0);
  if (dataType === 'FP64') return [...new Float64Array(copy)].map((value) => value + 0);
  return [...data];
}

test('what a response says as JSON reads back as a request', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(tensor, { maxLength: 4, selector: ({ name }) => name }),
      (tensors) => {
        const head = { modelName: 'm', modelVersion: '1', id: 'é"', parameters: new Map() };
        const { parts } = encodeInferResponse(head, tensors, () => 'json');
        const text = Buffer.concat(parts).toString('utf8');
        const body = Buffer.from(text.replace(',"outputs":[', ',"inputs":['));
        const message = decodeInferRequest(body, body.length, context);
        expect(message.id).toBe('é"');
        expect(message.inputs.map(({ name, dataType, shape }) => [name, dataType, shape])).toEqual(
          tensors.map(({ name, dataType, shape }) => [name, dataType, shape]),
        );
        expect(message.inputs.map(numbersOf)).toEqual(tensors.map(numbersOf));
      },
    ),
    { numRuns: 1000 },
  );
});

test('decimal numbers become the float nearest to them', () => {
  const digits = fc.stringMatching(/^[0-9]{1,24}$/);
  const decimal = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.oneof(fc.constant('0'), digits),
      digits,
      fc.constantFrom('', 'e-9', 'e5', 'E-40'),
    )
    .map(
      ([sign, integer, fraction, exponent]) =>
        `${sign}${integer.replace(/^0+(?=.)/, '')}.${fraction}${exponent}`,
    );
  // Next to the middle between two floats is where rounding twice goes wrong.
  const middle = fc
    .tuple(
      fc.float({ min: Math.fround(1e-5), max: 1e7, noNaN: true }),
      fc.constantFrom(1, 1 + 2 ** -52, 1 - 2 ** -52),
    )
    .map(([value, nudge]) => {
      const bits = new Uint32Array(new Float32Array([value]).buffer);
      const next = new Float32Array(new Uint32Array([(bits[0] as number) + 1]).buffer)[0] as number;
      return (((value + next) / 2) * nudge).toFixed(18);
    });
  fc.assert(
    fc.property(fc.array(fc.oneof(decimal, middle), { minLength: 1, maxLength: 20 }), (texts) => {
      for (const dataType of ['FP32', 'FP64'] as const) {
        const input = { name: 'I', datatype: dataType, shape: [texts.length] };
        const json = JSON.stringify(input).replace(/}$/, `,"data":[${texts.join(',')}]}`);
        const body = Buffer.from(`{"inputs":[${json}]}`);
        const { inputs } = decodeInferRequest(body, body.length, context);
        const numbers = texts.map(Number);
        expect(numbersOf(inputs[0] as Tensor)).toEqual(
          numbers.map((value) => (dataType === 'FP32' ? Math.fround(value) : value) + 0),
        );
      }
    }),
    { numRuns: 1500 },
  );
});

const input = fc.record(
  {
    name: fc.constantFrom<unknown>('A', 'B', '__proto__', '', 3),
    datatype: fc.constantFrom<unknown>(...dataTypes, 'constructor', 'FP33', null),
    shape: fc.oneof(fc.array(anyInteger, { maxLength: 4 }), anyInteger),
    data: fc.oneof(fc.array(anyInteger, { maxLength: 6 }), fc.array(fc.string(), { maxLength: 3 })),
    parameters: fc.record(
      {
        binary_data_size: anyInteger,
        shared_memory_region: fc.string(),
        shared_memory_offset: anyInteger,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['name', 'datatype', 'shape'] },
);
const request = fc.record(
  {
    id: fc.oneof(fc.string(), fc.nat()),
    parameters: fc.dictionary(
      fc.constantFrom('priority', 'sequence_id', '__proto__', 'triton_x', 'x'),
      anyInteger,
    ),
    inputs: fc.oneof(fc.array(input, { maxLength: 4 }), anyInteger),
    outputs: fc.array(
      fc.record(
        {
          name: fc.constantFrom<unknown>('O', 'P', 7),
          parameters: fc.record(
            { classification: anyInteger, binary_data: anyInteger },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: ['name'] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['inputs'] },
);

test('requests of any kind are read, or refused with a TritonError, and binary data stay inside the body', () => {
  fc.assert(
    fc.property(
      request,
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: -3, max: 3 }),
      (json, tail, shift) => {
        const header = Buffer.from(JSON.stringify(json));
        const body = Buffer.concat([header, tail]);
        const headerLength = Math.min(
          body.length,
          Math.max(0, header.length + (Math.abs(shift) > 1 ? shift : 0)),
        );
        // Twice: the second time from memory, where the header may be remembered.
        for (let round = 0; round < 2; round++) {
          try {
            const message = decodeInferRequest(body, headerLength, context);
            let tailBytes = 0;
            for (const { data } of message.inputs) {
              if (data.buffer !== body.buffer) continue;
              const start = data.byteOffset - body.byteOffset;
              expect(start >= headerLength && start + data.byteLength <= body.length).toBe(true);
              tailBytes += data.byteLength;
            }
            if (message.rawInput === null) expect(tailBytes).toBe(body.length - headerLength);
          } catch (failure) {
            expect(failure).toBeInstanceOf(TritonError);
          }
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(80), (body, headerLength) => {
      try {
        decodeInferRequest(body, Math.min(headerLength, body.length), context);
      } catch (failure) {
        expect(failure).toBeInstanceOf(TritonError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a remembered header answers as one that is read', () => {
  const sizes = fc.array(fc.nat(6), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 2, maxLength: 6 }), (list) => {
      for (const parts of [...list, ...list]) {
        const inputs = parts.map((size, i) => ({
          name: `I${i}`,
          datatype: 'UINT8',
          shape: [size],
          parameters: { binary_data_size: size },
        }));
        const header = Buffer.from(JSON.stringify({ inputs }));
        const total = parts.reduce((sum, size) => sum + size, 0);
        const tail = Uint8Array.from({ length: total }, (_, i) => i);
        const message = decodeInferRequest(Buffer.concat([header, tail]), header.length, context);
        let offset = 0;
        expect(message.inputs.map(({ shape, data }) => [shape[0], [...data]])).toEqual(
          parts.map((size) => {
            offset += size;
            return [size, [...tail.subarray(offset - size, offset)]];
          }),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('classes are the largest values, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      (values, count) => {
        const data = new Uint8Array(new Float32Array(values).buffer);
        const output: Tensor = {
          name: 'O',
          dataType: 'FP32' as DataType,
          shape: [values.length],
          data,
        };
        const bytes = Buffer.from(classify(output, count, null, false).data);
        const indexes: number[] = [];
        for (let at = 0; at < bytes.length; ) {
          const end = at + 4 + bytes.readUInt32LE(at);
          indexes.push(Number(bytes.toString('utf8', at + 4, end).split(':')[1]));
          at = end;
        }
        const expected = values.map((value, index) => ({ value, index }));
        expected.sort((a, b) =>
          a.value > b.value ? -1 : a.value < b.value ? 1 : a.index - b.index,
        );
        expect(indexes).toEqual(expected.slice(0, count).map(({ index }) => index));
      },
    ),
    { numRuns: 500 },
  );
});
