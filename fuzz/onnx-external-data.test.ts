import fc from 'fast-check';
import { expect, test } from 'vitest';
import { externalDataLocations } from '../packages/native/src/external-data.ts';
import { NativeError } from '../packages/native/src/native-error.ts';
import { onnxModel } from '../packages/test-kit/src/onnx-writer.ts';

function locationsOrError(bytes: Uint8Array): string[] | NativeError {
  try {
    return externalDataLocations(bytes);
  } catch (error) {
    if (error instanceof NativeError) return error;
    throw error;
  }
}

function modelWith(location: string): Uint8Array {
  return onnxModel({
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: [{ name: 'C', type: 'FLOAT', shape: [2], data: { location } }],
  });
}

test('any bytes: locations or one kind of error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      locationsOrError(bytes);
    }),
    { numRuns: 20_000 },
  );
});

test('any location is found, whatever is put before and after it', () => {
  // Unknown fields are legal anywhere in a message.
  const unknown = fc
    .uint8Array({ maxLength: 100 })
    .map((content) => Buffer.concat([Uint8Array.of(0xfa, 0x3f, content.length), content]));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), unknown, unknown, (location, before, after) => {
      const text = Buffer.from(location).toString();
      const bytes = Buffer.concat([before, modelWith(location), after]);
      expect(locationsOrError(bytes)).toEqual([text]);
    }),
    { numRuns: 2000 },
  );
});

test('damaged models: locations or one kind of error', () => {
  const bytes = modelWith('../weights.bin');
  const position = fc.nat(bytes.byteLength - 1);
  fc.assert(
    fc.property(fc.array(fc.tuple(position, fc.nat(255)), { maxLength: 4 }), (changes) => {
      const damaged = Buffer.from(bytes);
      for (const [index, value] of changes) damaged[index] = value;
      locationsOrError(damaged);
    }),
    { numRuns: 20_000 },
  );
});
