import { type DriverCalls, driverCalls } from './driver-calls.ts';
import type { NativeType } from './koffi-library.ts';
import { allocateFixed } from './memory.ts';

/** A GPU that programs may use, as CUDA counts them: after CUDA_VISIBLE_DEVICES, in CUDA's order. */
export interface CudaDevice {
  readonly id: number;
  /** As NVML and `nvidia-smi -L` write it. */
  readonly uuid: string;
  /** Such as 8.6. */
  readonly computeCapability: number;
}

export type CudaDeviceFunctionName =
  | 'cuInit'
  | 'cuDeviceGetCount'
  | 'cuDeviceGet'
  | 'cuDeviceGetUuid'
  | 'cuDeviceGetAttribute';

export type CudaDeviceCalls = DriverCalls<CudaDeviceFunctionName>;

const parameters: Readonly<Record<CudaDeviceFunctionName, readonly NativeType[]>> = {
  cuInit: ['int'],
  cuDeviceGetCount: ['buffer'],
  cuDeviceGet: ['buffer', 'int'],
  cuDeviceGetUuid: ['buffer', 'int'],
  cuDeviceGetAttribute: ['buffer', 'int', 'int'],
};

const driverName = process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1';
/** `CUdevice_attribute` values. */
const capabilityMajor = 75;
const capabilityMinor = 76;
const uuidBytes = 16;
/** More GPUs than any machine has: a bound on what a broken driver can make us ask. */
const devicesMax = 64;

/** The GPUs of the machine; none without a driver, or with one that cannot tell. */
export async function cudaDevices(
  calls: CudaDeviceCalls | null = driverCalls(driverName, parameters),
): Promise<readonly CudaDevice[]> {
  if (calls === null || (await calls.call('cuInit', [0])) !== 0) return [];
  const count = allocateFixed(4);
  if ((await calls.call('cuDeviceGetCount', [count])) !== 0) return [];
  const devices: CudaDevice[] = [];
  for (let id = 0; id < Math.min(count.readInt32LE(0), devicesMax); id++) {
    const device = await deviceOf(calls, id);
    if (device !== null) devices.push(device);
  }
  return devices;
}

async function deviceOf(calls: CudaDeviceCalls, id: number): Promise<CudaDevice | null> {
  const handle = allocateFixed(4);
  if ((await calls.call('cuDeviceGet', [handle, id])) !== 0) return null;
  const device = handle.readInt32LE(0);
  const uuid = allocateFixed(uuidBytes);
  if ((await calls.call('cuDeviceGetUuid', [uuid, device])) !== 0) return null;
  const parts: number[] = [];
  for (const attribute of [capabilityMajor, capabilityMinor]) {
    const value = allocateFixed(4);
    if ((await calls.call('cuDeviceGetAttribute', [value, attribute, device])) !== 0) return null;
    parts.push(value.readInt32LE(0));
  }
  return { id, uuid: uuidText(uuid), computeCapability: Number(parts.join('.')) };
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, uuidBytes);
  return `GPU-${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-')}`;
}
