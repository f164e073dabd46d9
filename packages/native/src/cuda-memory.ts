import koffi from 'koffi';
import { bindSymbol, loadLibrary, type NativeFunction, type NativeType } from './koffi-library.ts';
import { addressNumberOf, keepAlive, NativeBlock, readCString } from './memory.ts';
import { NativeError } from './native-error.ts';

/** The driver's library: on every machine with an NVIDIA GPU, whether CUDA is installed or not. */
const DRIVER_NAME = process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1';
/** `CUipcMemHandle`, the same bytes as the runtime's `cudaIpcMemHandle_t`. */
const CUDA_HANDLE_BYTES = 64;
/** `CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS`. */
const LAZY_PEER_ACCESS = 1;

/** Memory of a GPU that another process has allocated and shares. */
export interface CudaMemory {
  /** Bytes of the whole allocation. */
  readonly byteSize: number;
  /** Copies from the GPU; the caller keeps to `byteSize`. @throws NativeError CUDA */
  read(target: Uint8Array, offset: number): void;
  /** Copies to the GPU. @throws NativeError CUDA */
  write(source: Uint8Array, offset: number): void;
  /** Once. @throws NativeError CUDA */
  close(): void;
}

/** What opens handles; behind an interface, so that tests need no GPU. */
export interface CudaDriver {
  /**
   * @param handle `CUDA_HANDLE_BYTES` bytes that `cudaIpcGetMemHandle` gave the client.
   * @throws NativeError CUDA with the driver's text.
   */
  open(handle: Uint8Array, deviceId: number): CudaMemory;
}

/** The functions of the driver API (cuda.h) that this needs, with the arguments of their current version. */
const FUNCTIONS = {
  cuInit: ['int'],
  cuDeviceGet: ['address', 'int'],
  cuDevicePrimaryCtxRetain: ['address', 'int'],
  cuCtxSetCurrent: ['address'],
  cuMemGetAddressRange_v2: ['address', 'address', 'address'],
  cuIpcCloseMemHandle: ['address'],
  cuMemcpyDtoH_v2: ['address', 'address', 'size'],
  cuMemcpyHtoD_v2: ['address', 'address', 'size'],
  cuGetErrorString: ['int', 'address'],
} as const satisfies Record<string, readonly NativeType[]>;

type Functions = Readonly<Record<keyof typeof FUNCTIONS, NativeFunction>>;

let driver: CudaDriver | null = null;

/** The machine's driver. @throws NativeError LIBRARY where there is none, CUDA where it finds no GPU. */
export function cudaDriver(): CudaDriver {
  driver ??= new LoadedDriver();
  return driver;
}

class LoadedDriver implements CudaDriver {
  readonly #functions: Functions;
  /** `CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *, CUipcMemHandle, unsigned int)`: the handle by value. */
  readonly #openHandle: (result: number, handle: { reserved: Uint8Array }, flags: number) => number;
  /** Primary contexts by device, held for the life of the process. */
  readonly #contexts = new Map<number, number>();
  readonly #result = new NativeBlock(16);

  constructor() {
    const library = loadLibrary(DRIVER_NAME);
    const bound: Partial<Record<keyof typeof FUNCTIONS, NativeFunction>> = {};
    for (const [name, parameters] of Object.entries(FUNCTIONS)) {
      const fn = bindSymbol(library, name, 'int', parameters);
      if (fn === null) throw new NativeError('LIBRARY', `${DRIVER_NAME} has no ${name}`);
      bound[name as keyof typeof FUNCTIONS] = fn;
    }
    this.#functions = bound as Functions;
    const handle = koffi.struct({ reserved: koffi.array('uint8_t', CUDA_HANDLE_BYTES) });
    this.#openHandle = library.func('cuIpcOpenMemHandle_v2', 'int', [
      'uintptr_t',
      handle,
      'unsigned int',
    ]) as never;
    this.#check(this.#functions.cuInit(0));
  }

  open(handle: Uint8Array, deviceId: number): CudaMemory {
    if (handle.byteLength !== CUDA_HANDLE_BYTES) {
      throw new NativeError('CUDA', `a handle has ${CUDA_HANDLE_BYTES} bytes`);
    }
    const context = this.#contextOf(deviceId);
    this.#use(context);
    const result = this.#result;
    this.#check(this.#openHandle(result.address, { reserved: handle }, LAZY_PEER_ACCESS));
    const address = result.read(0);
    try {
      const { cuMemGetAddressRange_v2 } = this.#functions;
      this.#check(cuMemGetAddressRange_v2(0, result.address, address));
    } catch (failure) {
      this.#functions.cuIpcCloseMemHandle(address);
      throw failure;
    }
    return this.#memory(context, address, result.read(0));
  }

  #memory(context: number, address: number, byteSize: number): CudaMemory {
    const { cuMemcpyDtoH_v2, cuMemcpyHtoD_v2, cuIpcCloseMemHandle } = this.#functions;
    return {
      byteSize,
      read: (target, offset) => {
        this.#use(context);
        const { byteLength } = target;
        this.#check(cuMemcpyDtoH_v2(addressNumberOf(target), address + offset, byteLength));
        keepAlive(target);
      },
      write: (source, offset) => {
        this.#use(context);
        const { byteLength } = source;
        this.#check(cuMemcpyHtoD_v2(address + offset, addressNumberOf(source), byteLength));
        keepAlive(source);
      },
      close: () => {
        this.#use(context);
        this.#check(cuIpcCloseMemHandle(address));
      },
    };
  }

  /** The context belongs to the thread: libraries that a model uses may have set another. */
  #use(context: number): void {
    this.#check(this.#functions.cuCtxSetCurrent(context));
  }

  #contextOf(deviceId: number): number {
    const known = this.#contexts.get(deviceId);
    if (known !== undefined) return known;
    const result = this.#result;
    this.#check(this.#functions.cuDeviceGet(result.address, deviceId));
    const device = result.readInt32(0);
    this.#check(this.#functions.cuDevicePrimaryCtxRetain(result.address, device));
    const context = result.read(0);
    this.#contexts.set(deviceId, context);
    return context;
  }

  #check(status: number): void {
    if (status === 0) return;
    this.#result.write(0, 0);
    this.#functions.cuGetErrorString(status, this.#result.address);
    const text = this.#result.read(0);
    throw new NativeError('CUDA', text === 0 ? `CUDA error ${status}` : readCString(text));
  }
}
