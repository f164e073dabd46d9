import type { SupportedGpus } from '../model-config/instance-groups.ts';
import type { MetricModel, MetricSource } from '../observability/model-metrics.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import type { ModelLifeCycle } from './model-life-cycle.ts';

/**
 * Shows the models that serve to the metrics page: a version has series while it is READY.
 * @param gpus Those that the metrics name; none with --allow-gpu-metrics=false.
 */
export function loadedModelMetrics(
  lifeCycle: ModelLifeCycle,
  gpus: () => SupportedGpus,
): MetricSource {
  return {
    *models(): Iterable<MetricModel> {
      for (const {
        key,
        config,
        statistics,
        gpuStatistics,
        scheduler,
        loadDurationSecs,
        cached,
        report,
      } of lifeCycle.readyModels()) {
        yield {
          name: key.name,
          version: key.version,
          namespace: key.namespace,
          tags: config.metric_tags,
          statistics,
          gpus: byUuid(gpuStatistics, gpus()),
          pendingCount: scheduler.pendingCount,
          loadDurationSecs,
          cached,
          report,
        };
      }
    },
  };
}

function byUuid(
  statistics: ReadonlyMap<number, ModelStatistics>,
  { ids, uuids }: SupportedGpus,
): MetricModel['gpus'] {
  if (statistics.size === 0) return noStatistics;
  const named = new Map<string, ModelStatistics>();
  for (const [device, counted] of statistics) {
    const uuid = uuids[ids.indexOf(device)];
    if (uuid !== undefined) named.set(uuid, counted);
  }
  return named;
}

const noStatistics: ReadonlyMap<string, ModelStatistics> = new Map();
