import { describe, expect, test } from 'vitest';
import { Nvml, type NvmlCalls, type NvmlFunctionName } from './nvml.ts';

/** Status codes of nvml.h. */
const success = 0;
const uninitialized = 1;
const notSupported = 3;

const gpus = [
  {
    uuid: 'GPU-a',
    powerMw: 250_500,
    limitMw: 700_000,
    energyMj: 9_000_000_000_123n,
    busy: 37,
    total: 150_000_000_000n,
    used: 1_024n,
  },
  { uuid: 'GPU-b', powerMw: 60_000, limitMw: 300_000, energyMj: 5n, busy: 0, total: 8n, used: 0n },
] as const;

/** An NVML without a driver: a driver's answers written into the memory that it is given. */
function fakeNvml(failing: Partial<Record<NvmlFunctionName, number>> = {}): NvmlCalls & {
  readonly called: NvmlFunctionName[];
} {
  const called: NvmlFunctionName[] = [];
  const fill: Record<NvmlFunctionName, (first: unknown, buffer: Buffer) => void> = {
    nvmlInit_v2: () => {},
    nvmlShutdown: () => {},
    nvmlDeviceGetCount_v2: (count) => void (count as Buffer).writeUInt32LE(gpus.length),
    nvmlDeviceGetHandleByIndex_v2: (index, handle) =>
      void handle.writeBigUInt64LE(0x7f00_0000_0000n + BigInt(index as number)),
    nvmlDeviceGetUUID: (handle, text) => void text.write(`${gpuOf(handle).uuid}\0`, 'latin1'),
    nvmlDeviceGetPowerUsage: (handle, mw) => void mw.writeUInt32LE(gpuOf(handle).powerMw),
    nvmlDeviceGetPowerManagementLimit: (handle, mw) => void mw.writeUInt32LE(gpuOf(handle).limitMw),
    nvmlDeviceGetTotalEnergyConsumption: (handle, mj) =>
      void mj.writeBigUInt64LE(gpuOf(handle).energyMj),
    nvmlDeviceGetUtilizationRates: (handle, rates) => void rates.writeUInt32LE(gpuOf(handle).busy),
    nvmlDeviceGetMemoryInfo(handle, memory) {
      memory.writeBigUInt64LE(gpuOf(handle).total, 0);
      memory.writeBigUInt64LE(gpuOf(handle).used, 16);
    },
  };
  return {
    called,
    async call(name, args) {
      called.push(name);
      const status = failing[name] ?? success;
      if (status === success) fill[name](args[0], args[1] as Buffer);
      return status;
    },
  };
}

function gpuOf(handle: unknown): (typeof gpus)[number] {
  return gpus[(handle as number) - 0x7f00_0000_0000] as (typeof gpus)[number];
}

describe('Nvml', () => {
  test('reads every GPU, in the units of the page', async () => {
    const nvml = await Nvml.open(fakeNvml());
    expect(await nvml?.read()).toEqual([
      {
        uuid: 'GPU-a',
        powerUsageWatts: 250.5,
        powerLimitWatts: 700,
        energyJoules: 9_000_000_000.123,
        utilization: 0.37,
        memoryTotalBytes: 150_000_000_000,
        memoryUsedBytes: 1024,
      },
      expect.objectContaining({ uuid: 'GPU-b', powerUsageWatts: 60, utilization: 0 }),
    ]);
  });

  test('leaves out what a GPU cannot tell', async () => {
    const nvml = await Nvml.open(
      fakeNvml({
        nvmlDeviceGetPowerUsage: notSupported,
        nvmlDeviceGetTotalEnergyConsumption: notSupported,
        nvmlDeviceGetUtilizationRates: notSupported,
        nvmlDeviceGetMemoryInfo: notSupported,
      }),
    );
    expect((await nvml?.read())?.[0]).toEqual({
      uuid: 'GPU-a',
      powerUsageWatts: null,
      powerLimitWatts: 700,
      energyJoules: null,
      utilization: null,
      memoryTotalBytes: null,
      memoryUsedBytes: null,
    });
  });

  test.each([
    'nvmlInit_v2',
    'nvmlDeviceGetCount_v2',
    'nvmlDeviceGetHandleByIndex_v2',
    'nvmlDeviceGetUUID',
  ] as const)('is absent when %s fails', async (name) => {
    const calls = fakeNvml({ [name]: uninitialized });
    expect(await Nvml.open(calls)).toBeNull();
    expect(calls.called.includes('nvmlShutdown')).toBe(name !== 'nvmlInit_v2');
  });

  test('lets go of the library', async () => {
    const calls = fakeNvml();
    await (await Nvml.open(calls))?.close();
    expect(calls.called.at(-1)).toBe('nvmlShutdown');
  });

  test('is absent without the library', async () => {
    expect(await Nvml.open(null)).toBeNull();
  });
});
