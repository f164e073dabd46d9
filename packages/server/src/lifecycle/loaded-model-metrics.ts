import type { MetricModel, MetricSource } from '../observability/model-metrics.ts';
import type { ModelLifeCycle } from './model-life-cycle.ts';

/** Shows the models that serve to the metrics page: a version has series while it is READY. */
export function loadedModelMetrics(lifeCycle: ModelLifeCycle): MetricSource {
  return {
    *models(): Iterable<MetricModel> {
      for (const {
        key,
        config,
        statistics,
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
          pendingCount: scheduler.pendingCount,
          loadDurationSecs,
          cached,
          report,
        };
      }
    },
  };
}
