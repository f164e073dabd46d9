import { type GrpcRpc, unaryRpc } from '../grpc-rpc.ts';

const category = 'shared-memory';

/** Regions of POSIX shared memory: what is registered, registering, taking back. */
export const systemSharedMemoryRpcs: readonly GrpcRpc[] = [
  unaryRpc<{ name: string }>({
    name: 'SystemSharedMemoryStatus',
    category,
    answer: ({ name }, { sharedMemory }) => ({
      regions: Object.fromEntries(
        sharedMemory
          .systemStatus(name)
          .map(({ name, key, offset, byteSize }) => [
            name,
            { name, key, offset, byte_size: byteSize },
          ]),
      ),
    }),
  }),
  unaryRpc<{ name: string; key: string; offset: number; byte_size: number }>({
    name: 'SystemSharedMemoryRegister',
    category,
    answer({ name, key, offset, byte_size }, { sharedMemory }) {
      sharedMemory.registerSystem(name, key, offset, byte_size);
      return {};
    },
  }),
  unaryRpc<{ name: string }>({
    name: 'SystemSharedMemoryUnregister',
    category,
    answer({ name }, { sharedMemory }) {
      sharedMemory.unregisterSystem(name);
      return {};
    },
  }),
];

/** The same for memory of GPUs. */
export const cudaSharedMemoryRpcs: readonly GrpcRpc[] = [
  unaryRpc<{ name: string }>({
    name: 'CudaSharedMemoryStatus',
    category,
    answer: ({ name }, { sharedMemory }) => ({
      regions: Object.fromEntries(
        sharedMemory
          .cudaStatus(name)
          .map(({ name, deviceId, byteSize }) => [
            name,
            { name, device_id: deviceId, byte_size: byteSize },
          ]),
      ),
    }),
  }),
  unaryRpc<{ name: string; raw_handle: Uint8Array; device_id: number; byte_size: number }>({
    name: 'CudaSharedMemoryRegister',
    category,
    answer({ name, raw_handle, device_id, byte_size }, { sharedMemory }) {
      sharedMemory.registerCuda(name, raw_handle, device_id, byte_size);
      return {};
    },
  }),
  unaryRpc<{ name: string }>({
    name: 'CudaSharedMemoryUnregister',
    category,
    answer({ name }, { sharedMemory }) {
      sharedMemory.unregisterCuda(name);
      return {};
    },
  }),
];
