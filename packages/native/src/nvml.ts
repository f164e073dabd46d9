import { type DriverCalls, driverCalls } from './driver-calls.ts';
import type { NativeType } from './koffi-library.ts';
import { allocateFixed } from './memory.ts';

/** What one GPU is doing. Null where its driver cannot tell: power of a virtual GPU, say. */
export interface GpuReading {
  /** Stays the same over restarts, as `nvidia-smi -L` shows it. */
  readonly uuid: string;
  readonly powerUsageWatts: number | null;
  readonly powerLimitWatts: number | null;
  /** Since the driver was loaded. */
  readonly energyJoules: number | null;
  /** Share of the driver's last sampling period in which a kernel ran, 0 to 1. */
  readonly utilization: number | null;
  readonly memoryTotalBytes: number | null;
  readonly memoryUsedBytes: number | null;
}

export type NvmlFunctionName =
  | 'nvmlInit_v2'
  | 'nvmlShutdown'
  | 'nvmlDeviceGetCount_v2'
  | 'nvmlDeviceGetHandleByIndex_v2'
  | 'nvmlDeviceGetUUID'
  | 'nvmlDeviceGetPowerUsage'
  | 'nvmlDeviceGetPowerManagementLimit'
  | 'nvmlDeviceGetTotalEnergyConsumption'
  | 'nvmlDeviceGetUtilizationRates'
  | 'nvmlDeviceGetMemoryInfo';

export type NvmlCalls = DriverCalls<NvmlFunctionName>;

const parameters: Readonly<Record<NvmlFunctionName, readonly NativeType[]>> = {
  nvmlInit_v2: [],
  nvmlShutdown: [],
  nvmlDeviceGetCount_v2: ['buffer'],
  nvmlDeviceGetHandleByIndex_v2: ['int', 'buffer'],
  nvmlDeviceGetUUID: ['address', 'buffer', 'int'],
  nvmlDeviceGetPowerUsage: ['address', 'buffer'],
  nvmlDeviceGetPowerManagementLimit: ['address', 'buffer'],
  nvmlDeviceGetTotalEnergyConsumption: ['address', 'buffer'],
  nvmlDeviceGetUtilizationRates: ['address', 'buffer'],
  nvmlDeviceGetMemoryInfo: ['address', 'buffer'],
};

const libraryName = process.platform === 'win32' ? 'nvml.dll' : 'libnvidia-ml.so.1';
/** NVML_DEVICE_UUID_V2_BUFFER_SIZE. */
const uuidBytesMax = 96;
/** More GPUs than any machine has: a bound on what a broken driver can make us ask. */
const gpusMax = 64;

interface Gpu {
  readonly handle: number;
  readonly uuid: string;
}

/** NVIDIA's management library: readings of the GPUs that its driver knows. Closed once. */
export class Nvml {
  readonly #calls: NvmlCalls;
  readonly #gpus: readonly Gpu[];

  private constructor(calls: NvmlCalls, gpus: readonly Gpu[]) {
    this.#calls = calls;
    this.#gpus = gpus;
  }

  /** @returns null on a machine without the library, without a driver, or without a GPU. */
  static async open(
    calls: NvmlCalls | null = driverCalls(libraryName, parameters),
  ): Promise<Nvml | null> {
    if (calls === null || (await calls.call('nvmlInit_v2', [])) !== 0) return null;
    const gpus = await findGpus(calls);
    if (gpus.length > 0) return new Nvml(calls, gpus);
    await calls.call('nvmlShutdown', []);
    return null;
  }

  async read(): Promise<readonly GpuReading[]> {
    const readings: GpuReading[] = [];
    // One after the other: NVML locks, and threads of libuv's pool are for models.
    for (const gpu of this.#gpus) readings.push(await this.#readGpu(gpu));
    return readings;
  }

  async close(): Promise<void> {
    await this.#calls.call('nvmlShutdown', []);
  }

  async #readGpu({ handle, uuid }: Gpu): Promise<GpuReading> {
    const usage = await this.#ask('nvmlDeviceGetPowerUsage', handle, 4);
    const limit = await this.#ask('nvmlDeviceGetPowerManagementLimit', handle, 4);
    const energy = await this.#ask('nvmlDeviceGetTotalEnergyConsumption', handle, 8);
    // { unsigned gpu, memory } in percent.
    const rates = await this.#ask('nvmlDeviceGetUtilizationRates', handle, 8);
    // { unsigned long long total, free, used }.
    const memory = await this.#ask('nvmlDeviceGetMemoryInfo', handle, 24);
    return {
      uuid,
      powerUsageWatts: usage === null ? null : usage.readUInt32LE(0) / 1000,
      powerLimitWatts: limit === null ? null : limit.readUInt32LE(0) / 1000,
      energyJoules: energy === null ? null : Number(energy.readBigUInt64LE(0)) / 1000,
      utilization: rates === null ? null : rates.readUInt32LE(0) / 100,
      memoryTotalBytes: memory === null ? null : Number(memory.readBigUInt64LE(0)),
      memoryUsedBytes: memory === null ? null : Number(memory.readBigUInt64LE(16)),
    };
  }

  async #ask(name: NvmlFunctionName, handle: number, byteLength: number): Promise<Buffer | null> {
    const answer = allocateFixed(byteLength);
    return (await this.#calls.call(name, [handle, answer])) === 0 ? answer : null;
  }
}

async function findGpus(calls: NvmlCalls): Promise<readonly Gpu[]> {
  const count = allocateFixed(4);
  if ((await calls.call('nvmlDeviceGetCount_v2', [count])) !== 0) return [];
  const gpus: Gpu[] = [];
  for (let index = 0; index < Math.min(count.readUInt32LE(0), gpusMax); index++) {
    const handle = allocateFixed(8);
    // A GPU that this user may not see is left out.
    if ((await calls.call('nvmlDeviceGetHandleByIndex_v2', [index, handle])) !== 0) continue;
    const address = Number(handle.readBigUInt64LE(0));
    const uuid = allocateFixed(uuidBytesMax).fill(0);
    if ((await calls.call('nvmlDeviceGetUUID', [address, uuid, uuidBytesMax])) !== 0) continue;
    const end = uuid.indexOf(0);
    gpus.push({ handle: address, uuid: uuid.toString('latin1', 0, end < 0 ? uuidBytesMax : end) });
  }
  return gpus;
}
