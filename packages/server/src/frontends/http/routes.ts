import type { HttpFrontendOptions, HttpRoute } from './http-route.ts';
import { generateRoute, generateStreamRoute } from './routes/generate.ts';
import { healthLiveRoute, healthReadyRoute } from './routes/health.ts';
import { inferRoute } from './routes/infer.ts';
import { loggingRoute } from './routes/logging.ts';
import { metricsRoute } from './routes/metrics.ts';
import { modelBatchingRoute } from './routes/model-batching.ts';
import { modelConfigurationRoute } from './routes/model-configuration.ts';
import { modelListRoute } from './routes/model-list.ts';
import { modelMetadataRoute } from './routes/model-metadata.ts';
import { modelReadyRoute } from './routes/model-ready.ts';
import { allStatisticsRoute, modelStatisticsRoute } from './routes/model-statistics.ts';
import { openAiRoutes } from './routes/openai.ts';
import { protoFileRoutes } from './routes/proto-files.ts';
import { modelLoadRoute, modelUnloadRoute } from './routes/repository-control.ts';
import { repositoryIndexRoute } from './routes/repository-index.ts';
import { serverMetadataRoute } from './routes/server-metadata.ts';
import { cudaSharedMemoryRoutes, systemSharedMemoryRoutes } from './routes/shared-memory.ts';
import { traceSettingRoutes } from './routes/trace-setting.ts';

/** Every endpoint of the HTTP port but those of OpenAI's API: routing and the endpoint reference both come from here. */
export const httpRoutes: readonly HttpRoute[] = [
  healthLiveRoute,
  healthReadyRoute,
  serverMetadataRoute,
  modelListRoute,
  allStatisticsRoute,
  modelMetadataRoute,
  modelReadyRoute,
  modelConfigurationRoute,
  inferRoute,
  generateRoute,
  generateStreamRoute,
  modelStatisticsRoute,
  modelBatchingRoute,
  repositoryIndexRoute,
  modelLoadRoute,
  modelUnloadRoute,
  ...systemSharedMemoryRoutes,
  ...cudaSharedMemoryRoutes,
  loggingRoute,
  ...traceSettingRoutes,
  metricsRoute,
  ...protoFileRoutes,
];

/** What a front end with these options answers. */
export function routesFor({ openAi = null }: HttpFrontendOptions): readonly HttpRoute[] {
  return openAi === null ? httpRoutes : [...httpRoutes, ...openAiRoutes];
}
