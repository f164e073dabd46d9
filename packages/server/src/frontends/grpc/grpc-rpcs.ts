import type { GrpcRpc } from './grpc-rpc.ts';
import { healthCheckRpc } from './methods/health-check.ts';
import { healthWatchRpc } from './methods/health-watch.ts';
import { logSettingsRpc } from './methods/log-settings.ts';
import { modelConfigRpc } from './methods/model-config.ts';
import { modelInferRpc } from './methods/model-infer.ts';
import { modelMetadataRpc } from './methods/model-metadata.ts';
import { modelReadyRpc } from './methods/model-ready.ts';
import { modelStatisticsRpc } from './methods/model-statistics.ts';
import { modelStreamInferRpc } from './methods/model-stream-infer.ts';
import { reflectionRpcs } from './methods/reflection.ts';
import { repositoryIndexRpc } from './methods/repository-index.ts';
import { repositoryModelLoadRpc } from './methods/repository-model-load.ts';
import { repositoryModelUnloadRpc } from './methods/repository-model-unload.ts';
import { serverLiveRpc } from './methods/server-live.ts';
import { serverMetadataRpc } from './methods/server-metadata.ts';
import { serverReadyRpc } from './methods/server-ready.ts';
import { cudaSharedMemoryRpcs, systemSharedMemoryRpcs } from './methods/shared-memory.ts';
import { traceSettingRpc } from './methods/trace-setting.ts';

/** Every method that is served over gRPC. */
export const grpcRpcs: readonly GrpcRpc[] = [
  modelInferRpc,
  modelStreamInferRpc,
  serverLiveRpc,
  serverReadyRpc,
  modelReadyRpc,
  serverMetadataRpc,
  modelMetadataRpc,
  modelConfigRpc,
  modelStatisticsRpc,
  repositoryIndexRpc,
  repositoryModelLoadRpc,
  repositoryModelUnloadRpc,
  ...systemSharedMemoryRpcs,
  ...cudaSharedMemoryRpcs,
  logSettingsRpc,
  traceSettingRpc,
  healthCheckRpc,
  healthWatchRpc,
  ...reflectionRpcs,
];
