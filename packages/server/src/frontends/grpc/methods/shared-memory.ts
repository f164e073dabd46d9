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

/** The same for CUDA memory, of which there is none: the texts that Triton has for that. */
export const cudaSharedMemoryRpcs: readonly GrpcRpc[] = [
  unaryRpc<{ name: string }>({
    name: 'CudaSharedMemoryStatus',
    category,
    answer({ name }, { sharedMemory }) {
      sharedMemory.cudaStatus(name);
      return { regions: {} };
    },
  }),
  unaryRpc<{ name: string }>({
    name: 'CudaSharedMemoryRegister',
    category,
    answer: ({ name }, { sharedMemory }) => sharedMemory.registerCuda(name),
  }),
  unaryRpc({
    name: 'CudaSharedMemoryUnregister',
    category,
    answer(_request, { sharedMemory }) {
      sharedMemory.unregisterCuda();
      return {};
    },
  }),
];
