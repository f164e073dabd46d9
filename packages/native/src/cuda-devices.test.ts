import { describe, expect, test } from 'vitest';
import { type CudaDeviceCalls, type CudaDeviceFunctionName, cudaDevices } from './cuda-devices.ts';

/** Status codes of cuda.h. */
const success = 0;
const noDevice = 100;

/** Two GPUs, whose handles are not their numbers. */
const gpus = [
  { handle: 7, uuid: Buffer.from('00112233445566778899aabbccddeeff', 'hex'), capability: [8, 6] },
  { handle: 9, uuid: Buffer.alloc(16, 0xa5), capability: [12, 0] },
] as const;

function fakeDriver(
  failing: Partial<Record<CudaDeviceFunctionName, number>> = {},
): CudaDeviceCalls {
  const of = (handle: unknown): (typeof gpus)[number] =>
    gpus.find((gpu) => gpu.handle === handle) as (typeof gpus)[number];
  const fill: Record<CudaDeviceFunctionName, (...args: never[]) => void> = {
    cuInit: () => {},
    cuDeviceGetCount: (count: Buffer) => void count.writeInt32LE(gpus.length),
    cuDeviceGet: (handle: Buffer, id: number) => void handle.writeInt32LE(gpus[id]?.handle ?? -1),
    cuDeviceGetUuid: (uuid: Buffer, handle: number) => void of(handle).uuid.copy(uuid),
    cuDeviceGetAttribute: (value: Buffer, attribute: number, handle: number) =>
      void value.writeInt32LE(of(handle).capability[attribute - 75] as number),
  };
  return {
    async call(name, args) {
      const status = failing[name] ?? success;
      if (status === success) fill[name](...(args as never[]));
      return status;
    },
  };
}

describe('cudaDevices', () => {
  test('tells numbers, names and abilities', async () => {
    expect(await cudaDevices(fakeDriver())).toEqual([
      { id: 0, uuid: 'GPU-00112233-4455-6677-8899-aabbccddeeff', computeCapability: 8.6 },
      { id: 1, uuid: 'GPU-a5a5a5a5-a5a5-a5a5-a5a5-a5a5a5a5a5a5', computeCapability: 12 },
    ]);
  });

  test.each([
    'cuInit',
    'cuDeviceGetCount',
    'cuDeviceGet',
    'cuDeviceGetUuid',
    'cuDeviceGetAttribute',
  ] as const)('are none when %s fails', async (name) => {
    expect(await cudaDevices(fakeDriver({ [name]: noDevice }))).toEqual([]);
  });

  test('are none without a driver', async () => {
    expect(await cudaDevices(null)).toEqual([]);
  });
});
