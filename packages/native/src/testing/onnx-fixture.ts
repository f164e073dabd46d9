import type { DataType, OnnxInput, OnnxSession, OnnxTensor } from '../index.ts';
import { OnnxRuntime } from '../index.ts';

/** A session of a generated model, on one thread. */
export function openSession(bytes: Uint8Array): Promise<OnnxSession> {
  return OnnxRuntime.open().createSession({ bytes }, { intraOpThreadCount: 1 });
}

/** The bytes of a typed array. */
export function bytesOf(array: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function tensor(dataType: DataType, shape: number[], data: NodeJS.TypedArray): OnnxTensor {
  return { dataType, shape, data: bytesOf(data) };
}

export function float32(shape: number[], ...values: number[]): OnnxTensor {
  return tensor('FP32', shape, Float32Array.from(values));
}

/** Elements of a BYTES tensor: each its length in four bytes, then its content. */
export function strings(shape: number[], values: readonly (string | Uint8Array)[]): OnnxTensor {
  const parts = values.flatMap((value) => {
    const content = Buffer.from(value as Uint8Array);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(content.byteLength);
    return [length, content];
  });
  return { dataType: 'BYTES', shape, data: Buffer.concat(parts) };
}

/** The elements of an FP32 tensor. */
export function floatsOf(result: OnnxTensor | undefined): number[] {
  if (result === undefined) throw new Error('no such result');
  return [...new Float32Array(new Uint8Array(result.data).buffer)];
}

/** The input `COUNT` of the counting model: steps of its loop. */
export function count(steps: number): OnnxInput[] {
  return [{ name: 'COUNT', tensor: tensor('INT64', [], BigInt64Array.of(BigInt(steps))) }];
}
