import { type MessageSpec, modelConfigMessages, readMessages } from '@nereid/protocol/schemas';

const parameterChoice = [
  'oneof choice: bool bool_param = 1',
  'oneof choice: int64 int64_param = 2',
  'oneof choice: string string_param = 3',
  'oneof choice: bytes bytes_param = 4',
];
const settingChoice = [
  'oneof choice: bool bool_param = 1',
  'oneof choice: uint32 uint32_param = 2',
  'oneof choice: string string_param = 3',
];
const nameAndVersion = ['string name = 1', 'string version = 2'];

/** Triton's grpc_service.proto, but the messages of inferences, which are read and written by hand. */
const lines: Readonly<Record<string, readonly string[]>> = {
  ServerLiveRequest: [],
  ServerLiveResponse: ['bool live = 1'],
  ServerReadyRequest: [],
  ServerReadyResponse: ['bool ready = 1'],
  ModelReadyRequest: nameAndVersion,
  ModelReadyResponse: ['bool ready = 1'],
  ServerMetadataRequest: [],
  ServerMetadataResponse: [...nameAndVersion, 'repeated string extensions = 3'],
  ModelMetadataRequest: nameAndVersion,
  TensorMetadata: ['string name = 1', 'string datatype = 2', 'repeated int64 shape = 3'],
  ModelMetadataResponse: [
    'string name = 1',
    'repeated string versions = 2',
    'string platform = 3',
    'repeated TensorMetadata inputs = 4',
    'repeated TensorMetadata outputs = 5',
  ],
  ModelConfigRequest: nameAndVersion,
  ModelConfigResponse: ['ModelConfig config = 1'],
  ModelStatisticsRequest: nameAndVersion,
  StatisticDuration: ['uint64 count = 1', 'uint64 ns = 2'],
  InferStatistics: [
    'StatisticDuration success = 1',
    'StatisticDuration fail = 2',
    'StatisticDuration queue = 3',
    'StatisticDuration compute_input = 4',
    'StatisticDuration compute_infer = 5',
    'StatisticDuration compute_output = 6',
    'StatisticDuration cache_hit = 7',
    'StatisticDuration cache_miss = 8',
  ],
  InferResponseStatistics: [
    'StatisticDuration compute_infer = 1',
    'StatisticDuration compute_output = 2',
    'StatisticDuration success = 3',
    'StatisticDuration fail = 4',
    'StatisticDuration empty_response = 5',
    'StatisticDuration cancel = 6',
  ],
  InferBatchStatistics: [
    'uint64 batch_size = 1',
    'StatisticDuration compute_input = 2',
    'StatisticDuration compute_infer = 3',
    'StatisticDuration compute_output = 4',
  ],
  MemoryUsage: ['string type = 1', 'int64 id = 2', 'uint64 byte_size = 3'],
  ModelStatistics: [
    ...nameAndVersion,
    'uint64 last_inference = 3',
    'uint64 inference_count = 4',
    'uint64 execution_count = 5',
    'InferStatistics inference_stats = 6',
    'repeated InferBatchStatistics batch_stats = 7',
    'repeated MemoryUsage memory_usage = 8',
    'map<string, InferResponseStatistics> response_stats = 9',
  ],
  ModelStatisticsResponse: ['repeated ModelStatistics model_stats = 1'],
  RepositoryIndexRequest: ['string repository_name = 1', 'bool ready = 2'],
  ModelIndex: [...nameAndVersion, 'string state = 3', 'string reason = 4'],
  RepositoryIndexResponse: ['repeated ModelIndex models = 1'],
  ModelRepositoryParameter: parameterChoice,
  RepositoryModelLoadRequest: [
    'string repository_name = 1',
    'string model_name = 2',
    'map<string, ModelRepositoryParameter> parameters = 3',
  ],
  RepositoryModelLoadResponse: [],
  RepositoryModelUnloadRequest: [
    'string repository_name = 1',
    'string model_name = 2',
    'map<string, ModelRepositoryParameter> parameters = 3',
  ],
  RepositoryModelUnloadResponse: [],
  SystemSharedMemoryStatusRequest: ['string name = 1'],
  SystemRegionStatus: [
    'string name = 1',
    'string key = 2',
    'uint64 offset = 3',
    'uint64 byte_size = 4',
  ],
  SystemSharedMemoryStatusResponse: ['map<string, SystemRegionStatus> regions = 1'],
  SystemSharedMemoryRegisterRequest: [
    'string name = 1',
    'string key = 2',
    'uint64 offset = 3',
    'uint64 byte_size = 4',
  ],
  SystemSharedMemoryRegisterResponse: [],
  SystemSharedMemoryUnregisterRequest: ['string name = 1'],
  SystemSharedMemoryUnregisterResponse: [],
  CudaSharedMemoryStatusRequest: ['string name = 1'],
  CudaRegionStatus: ['string name = 1', 'uint64 device_id = 2', 'uint64 byte_size = 3'],
  CudaSharedMemoryStatusResponse: ['map<string, CudaRegionStatus> regions = 1'],
  CudaSharedMemoryRegisterRequest: [
    'string name = 1',
    'bytes raw_handle = 2',
    'int64 device_id = 3',
    'uint64 byte_size = 4',
  ],
  CudaSharedMemoryRegisterResponse: [],
  CudaSharedMemoryUnregisterRequest: ['string name = 1'],
  CudaSharedMemoryUnregisterResponse: [],
  TraceSettingValue: ['repeated string value = 1'],
  TraceSettingRequest: ['map<string, TraceSettingValue> settings = 1', 'string model_name = 2'],
  TraceSettingResponse: ['map<string, TraceSettingValue> settings = 1'],
  LogSettingValue: settingChoice,
  LogSettingsRequest: ['map<string, LogSettingValue> settings = 1'],
  LogSettingsResponse: ['map<string, LogSettingValue> settings = 1'],
};

let messages: ReadonlyMap<string, MessageSpec> | null = null;

/** The messages of the service's methods, by name; read when first used. */
export function serviceMessages(): ReadonlyMap<string, MessageSpec> {
  messages ??= readMessages(lines, {}, modelConfigMessages);
  return messages;
}
