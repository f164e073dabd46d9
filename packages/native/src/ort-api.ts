import koffi from 'koffi';
import {
  bindPointer,
  bindSymbol,
  loadLibrary,
  type NativeArgument,
  type NativeFunction,
  type NativeType,
} from './koffi-library.ts';
import { NativeBlock, readCString } from './memory.ts';
import { NativeError, ortErrorCodeName } from './native-error.ts';

/** The newest version of `struct OrtApi` whose members this file knows. */
const API_VERSION_MAX = 29;
/** The oldest one that has everything we cannot do without. */
const API_VERSION_MIN = 16;

type Declaration = readonly [index: number, returns: NativeType, ...parameters: NativeType[]];

const A = 'address';
/** The usual result: an `OrtStatus *`, NULL for success. */
const STATUS = 'address';

/** The functions that every supported library has. */
type FunctionName =
  | 'GetErrorCode'
  | 'GetErrorMessage'
  | 'CreateEnv'
  | 'DisableTelemetryEvents'
  | 'CreateSession'
  | 'CreateSessionFromArray'
  | 'Run'
  | 'CreateSessionOptions'
  | 'SetSessionExecutionMode'
  | 'EnableProfiling'
  | 'EnableMemPattern'
  | 'DisableMemPattern'
  | 'EnableCpuMemArena'
  | 'DisableCpuMemArena'
  | 'SetSessionLogId'
  | 'SetSessionLogSeverityLevel'
  | 'SetSessionGraphOptimizationLevel'
  | 'SetIntraOpNumThreads'
  | 'SetInterOpNumThreads'
  | 'SessionGetInputCount'
  | 'SessionGetOutputCount'
  | 'SessionGetOverridableInitializerCount'
  | 'SessionGetInputTypeInfo'
  | 'SessionGetOutputTypeInfo'
  | 'SessionGetOverridableInitializerTypeInfo'
  | 'SessionGetInputName'
  | 'SessionGetOutputName'
  | 'SessionGetOverridableInitializerName'
  | 'CreateRunOptions'
  | 'RunOptionsSetRunLogSeverityLevel'
  | 'RunOptionsSetRunTag'
  | 'RunOptionsSetTerminate'
  | 'CreateTensorAsOrtValue'
  | 'CreateTensorWithDataAsOrtValue'
  | 'GetTensorMutableData'
  | 'FillStringTensor'
  | 'GetStringTensorDataLength'
  | 'GetStringTensorContent'
  | 'CastTypeInfoToTensorInfo'
  | 'GetOnnxTypeFromTypeInfo'
  | 'GetTensorElementType'
  | 'GetDimensionsCount'
  | 'GetDimensions'
  | 'GetSymbolicDimensions'
  | 'GetTensorTypeAndShape'
  | 'GetValueType'
  | 'CreateCpuMemoryInfo'
  | 'AllocatorFree'
  | 'GetAllocatorWithDefaultOptions'
  | 'ReleaseEnv'
  | 'ReleaseStatus'
  | 'ReleaseMemoryInfo'
  | 'ReleaseSession'
  | 'ReleaseValue'
  | 'ReleaseRunOptions'
  | 'ReleaseTypeInfo'
  | 'ReleaseTensorTypeAndShapeInfo'
  | 'ReleaseSessionOptions'
  | 'SessionEndProfiling'
  | 'SessionGetModelMetadata'
  | 'ModelMetadataGetProducerName'
  | 'ModelMetadataGetGraphName'
  | 'ModelMetadataGetDomain'
  | 'ModelMetadataGetDescription'
  | 'ModelMetadataLookupCustomMetadataMap'
  | 'ModelMetadataGetVersion'
  | 'ReleaseModelMetadata'
  | 'CreateEnvWithGlobalThreadPools'
  | 'DisablePerSessionThreads'
  | 'CreateThreadingOptions'
  | 'ReleaseThreadingOptions'
  | 'ModelMetadataGetCustomMetadataMapKeys'
  | 'GetAvailableProviders'
  | 'ReleaseAvailableProviders'
  | 'AddSessionConfigEntry'
  | 'SetGlobalIntraOpNumThreads'
  | 'SetGlobalInterOpNumThreads'
  | 'SetGlobalSpinControl'
  | 'ModelMetadataGetGraphDescription'
  | 'AddRunConfigEntry'
  | 'SessionOptionsAppendExecutionProvider_TensorRT_V2'
  | 'CreateTensorRTProviderOptions'
  | 'UpdateTensorRTProviderOptions'
  | 'ReleaseTensorRTProviderOptions'
  | 'HasValue'
  | 'SessionOptionsAppendExecutionProvider_CUDA_V2'
  | 'CreateCUDAProviderOptions'
  | 'UpdateCUDAProviderOptions'
  | 'ReleaseCUDAProviderOptions'
  | 'SessionOptionsAppendExecutionProvider'
  | 'GetResizedStringTensorElementBuffer';

/** Those that came later. */
type LaterFunctionName =
  | 'SessionOptionsAppendExecutionProvider_OpenVINO_V2'
  | 'SessionOptionsAppendExecutionProvider_VitisAI';

/**
 * Every function of ONNX Runtime that we call: its place among the members of `struct OrtApi`
 * (onnxruntime_c_api.h; members are only ever appended, so a place never changes), its result and its
 * parameters.
 */
const FUNCTIONS: Readonly<Record<FunctionName, Declaration>> = {
  GetErrorCode: [1, 'int', A],
  GetErrorMessage: [2, A, A],
  CreateEnv: [3, STATUS, 'int', 'text', A],
  DisableTelemetryEvents: [6, STATUS, A],
  CreateSession: [7, STATUS, A, 'path', A, A],
  CreateSessionFromArray: [8, STATUS, A, A, 'size', A, A],
  Run: [9, STATUS, A, A, A, A, 'size', A, 'size', A],
  CreateSessionOptions: [10, STATUS, A],
  SetSessionExecutionMode: [13, STATUS, A, 'int'],
  EnableProfiling: [14, STATUS, A, 'path'],
  EnableMemPattern: [16, STATUS, A],
  DisableMemPattern: [17, STATUS, A],
  EnableCpuMemArena: [18, STATUS, A],
  DisableCpuMemArena: [19, STATUS, A],
  SetSessionLogId: [20, STATUS, A, 'text'],
  SetSessionLogSeverityLevel: [22, STATUS, A, 'int'],
  SetSessionGraphOptimizationLevel: [23, STATUS, A, 'int'],
  SetIntraOpNumThreads: [24, STATUS, A, 'int'],
  SetInterOpNumThreads: [25, STATUS, A, 'int'],
  SessionGetInputCount: [30, STATUS, A, A],
  SessionGetOutputCount: [31, STATUS, A, A],
  SessionGetOverridableInitializerCount: [32, STATUS, A, A],
  SessionGetInputTypeInfo: [33, STATUS, A, 'size', A],
  SessionGetOutputTypeInfo: [34, STATUS, A, 'size', A],
  SessionGetOverridableInitializerTypeInfo: [35, STATUS, A, 'size', A],
  SessionGetInputName: [36, STATUS, A, 'size', A, A],
  SessionGetOutputName: [37, STATUS, A, 'size', A, A],
  SessionGetOverridableInitializerName: [38, STATUS, A, 'size', A, A],
  CreateRunOptions: [39, STATUS, A],
  RunOptionsSetRunLogSeverityLevel: [41, STATUS, A, 'int'],
  RunOptionsSetRunTag: [42, STATUS, A, 'text'],
  RunOptionsSetTerminate: [46, STATUS, A],
  CreateTensorAsOrtValue: [48, STATUS, A, A, 'size', 'int', A],
  CreateTensorWithDataAsOrtValue: [49, STATUS, A, A, 'size', A, 'size', 'int', A],
  GetTensorMutableData: [51, STATUS, A, A],
  FillStringTensor: [52, STATUS, A, A, 'size'],
  GetStringTensorDataLength: [53, STATUS, A, A],
  GetStringTensorContent: [54, STATUS, A, A, 'size', A, 'size'],
  CastTypeInfoToTensorInfo: [55, STATUS, A, A],
  GetOnnxTypeFromTypeInfo: [56, STATUS, A, A],
  GetTensorElementType: [60, STATUS, A, A],
  GetDimensionsCount: [61, STATUS, A, A],
  GetDimensions: [62, STATUS, A, A, 'size'],
  GetSymbolicDimensions: [63, STATUS, A, A, 'size'],
  GetTensorTypeAndShape: [65, STATUS, A, A],
  GetValueType: [67, STATUS, A, A],
  CreateCpuMemoryInfo: [69, STATUS, 'int', 'int', A],
  AllocatorFree: [76, STATUS, A, A],
  GetAllocatorWithDefaultOptions: [78, STATUS, A],
  ReleaseEnv: [92, 'void', A],
  ReleaseStatus: [93, 'void', A],
  ReleaseMemoryInfo: [94, 'void', A],
  ReleaseSession: [95, 'void', A],
  ReleaseValue: [96, 'void', A],
  ReleaseRunOptions: [97, 'void', A],
  ReleaseTypeInfo: [98, 'void', A],
  ReleaseTensorTypeAndShapeInfo: [99, 'void', A],
  ReleaseSessionOptions: [100, 'void', A],
  SessionEndProfiling: [110, STATUS, A, A, A],
  SessionGetModelMetadata: [111, STATUS, A, A],
  ModelMetadataGetProducerName: [112, STATUS, A, A, A],
  ModelMetadataGetGraphName: [113, STATUS, A, A, A],
  ModelMetadataGetDomain: [114, STATUS, A, A, A],
  ModelMetadataGetDescription: [115, STATUS, A, A, A],
  ModelMetadataLookupCustomMetadataMap: [116, STATUS, A, A, A, A],
  ModelMetadataGetVersion: [117, STATUS, A, A],
  ReleaseModelMetadata: [118, 'void', A],
  CreateEnvWithGlobalThreadPools: [119, STATUS, 'int', 'text', A, A],
  DisablePerSessionThreads: [120, STATUS, A],
  CreateThreadingOptions: [121, STATUS, A],
  ReleaseThreadingOptions: [122, 'void', A],
  ModelMetadataGetCustomMetadataMapKeys: [123, STATUS, A, A, A, A],
  GetAvailableProviders: [125, STATUS, A, A],
  ReleaseAvailableProviders: [126, STATUS, A, 'int'],
  AddSessionConfigEntry: [130, STATUS, A, 'text', 'text'],
  SetGlobalIntraOpNumThreads: [147, STATUS, A, 'int'],
  SetGlobalInterOpNumThreads: [148, STATUS, A, 'int'],
  SetGlobalSpinControl: [149, STATUS, A, 'int'],
  ModelMetadataGetGraphDescription: [158, STATUS, A, A, A],
  AddRunConfigEntry: [165, STATUS, A, 'text', 'text'],
  SessionOptionsAppendExecutionProvider_TensorRT_V2: [170, STATUS, A, A],
  CreateTensorRTProviderOptions: [171, STATUS, A],
  UpdateTensorRTProviderOptions: [172, STATUS, A, A, A, 'size'],
  ReleaseTensorRTProviderOptions: [174, 'void', A],
  HasValue: [192, STATUS, A, A],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, STATUS, A, A],
  CreateCUDAProviderOptions: [205, STATUS, A],
  UpdateCUDAProviderOptions: [206, STATUS, A, A, A, 'size'],
  ReleaseCUDAProviderOptions: [208, 'void', A],
  SessionOptionsAppendExecutionProvider: [216, STATUS, A, 'text', A, A, 'size'],
  GetResizedStringTensorElementBuffer: [252, STATUS, A, 'size', 'size', A],
};

/** A function with the API version that brought it. */
interface LaterDeclaration {
  readonly since: number;
  readonly declaration: Declaration;
}

/** Functions that came after `API_VERSION_MIN`: null in `OrtApi` when the library is older. */
const LATER_FUNCTIONS: Readonly<Record<LaterFunctionName, LaterDeclaration>> = {
  SessionOptionsAppendExecutionProvider_OpenVINO_V2: {
    since: 17,
    declaration: [275, STATUS, A, A, A, 'size'],
  },
  SessionOptionsAppendExecutionProvider_VitisAI: {
    since: 18,
    declaration: [276, STATUS, A, A, A, 'size'],
  },
};

type BoundFunctions = { readonly [name in FunctionName]: NativeFunction };
type LaterFunctions = { readonly [name in LaterFunctionName]: NativeFunction | null };

/** The function table of one loaded ONNX Runtime library. It lives as long as the process. */
export interface OrtApi {
  readonly functions: BoundFunctions & LaterFunctions;
  /** Version of `struct OrtApi` in use. */
  readonly apiVersion: number;
  /** The library's own version, such as `1.30.0`. */
  readonly libraryVersion: string;
  /** The N of 1.N; 0 when the version says nothing of the kind. */
  readonly minorVersion: number;
}

function bindTable(table: number, apiVersion: number): BoundFunctions & LaterFunctions {
  const bound: Record<string, NativeFunction | null> = {};
  const bind = ([index, returns, ...parameters]: Declaration): NativeFunction => {
    const pointer = Number(koffi.decode(BigInt(table), index * 8, 'uintptr_t'));
    return bindPointer(pointer, returns, parameters);
  };
  for (const [name, declaration] of Object.entries(FUNCTIONS)) bound[name] = bind(declaration);
  for (const [name, { since, declaration }] of Object.entries(LATER_FUNCTIONS)) {
    bound[name] = apiVersion >= since ? bind(declaration) : null;
  }
  return bound as BoundFunctions & LaterFunctions;
}

/**
 * Loads an ONNX Runtime library and takes the newest function table that both sides know. Throws a
 * `LIBRARY` error for a file that is no ONNX Runtime or one older than 1.16.
 */
export function loadOrtApi(libraryPath: string): OrtApi {
  const library = loadLibrary(libraryPath);
  const getBase = bindSymbol(library, 'OrtGetApiBase', A, []);
  if (getBase === null) {
    throw new NativeError('LIBRARY', `'${libraryPath}' is not an ONNX Runtime library`);
  }
  const base = getBase();
  const member = (index: number): number =>
    Number(koffi.decode(BigInt(base), index * 8, 'uintptr_t'));
  const getApi = bindPointer(member(0), A, ['int']);
  const libraryVersion = readCString(bindPointer(member(1), A, [])());
  // GetApi() of a version newer than the library's prints a line on stderr: ask for what the minor
  // number of the library's version says (1.N has API version N) before walking down.
  const minorVersion = Number.parseInt(libraryVersion.split('.')[1] ?? '', 10) || 0;
  const newest = minorVersion > 0 ? Math.min(minorVersion, API_VERSION_MAX) : API_VERSION_MAX;
  for (let apiVersion = newest; apiVersion >= API_VERSION_MIN; apiVersion -= 1) {
    const table = getApi(apiVersion);
    if (table !== 0) {
      return {
        functions: bindTable(table, apiVersion),
        apiVersion,
        libraryVersion,
        minorVersion,
      };
    }
  }
  throw new NativeError(
    'LIBRARY',
    `ONNX Runtime ${libraryVersion} ('${libraryPath}') is too old: 1.${API_VERSION_MIN} is needed`,
  );
}

/** Turns an `OrtStatus *` into an error and releases it; must not be called with 0. */
export function takeStatus(api: OrtApi, status: number): NativeError {
  const { functions } = api;
  const code = ortErrorCodeName(functions.GetErrorCode(status));
  const message = readCString(functions.GetErrorMessage(status));
  functions.ReleaseStatus(status);
  return new NativeError(code, message);
}

/** Throws what a status says; NULL is success. */
export function check(api: OrtApi, status: number): void {
  if (status !== 0) throw takeStatus(api, status);
}

/** Where C functions put their results when called on the event loop, read before the next call. */
const results = new NativeBlock(64);

/** Calls a function whose last parameter receives a pointer or a size_t, and returns that. */
export function callForWord(
  api: OrtApi,
  fn: NativeFunction,
  ...args: readonly NativeArgument[]
): number {
  results.write(0, 0);
  check(api, fn(...args, results.address));
  return results.read(0);
}

/** Calls a function whose last parameter receives a C int or an enum, and returns that. */
export function callForInt(
  api: OrtApi,
  fn: NativeFunction,
  ...args: readonly NativeArgument[]
): number {
  results.write(0, 0);
  check(api, fn(...args, results.address));
  return results.readInt32(0);
}
