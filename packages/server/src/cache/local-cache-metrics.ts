import {
  cacheEntries,
  cacheEvictions,
  cacheHitsAll,
  cacheInsertionDuration,
  cacheLookupDuration,
  cacheLookups,
  cacheMissesAll,
  cacheUtilization,
} from '../observability/metric-families.ts';
import type { MetricCollector, MetricFamily } from '../observability/metric-sample.ts';
import type { LocalCacheCounters, LocalResponseCache } from './local-response-cache.ts';

const values: readonly (readonly [MetricFamily, (counters: LocalCacheCounters) => number])[] = [
  [cacheUtilization, ({ usedBytes, sizeBytes }) => usedBytes / sizeBytes],
  [cacheEntries, ({ entryCount }) => entryCount],
  [cacheHitsAll, ({ hitCount }) => hitCount],
  [cacheMissesAll, ({ missCount }) => missCount],
  [cacheLookups, ({ hitCount, missCount }) => hitCount + missCount],
  [cacheEvictions, ({ evictionCount }) => evictionCount],
  [cacheLookupDuration, ({ lookupNs }) => Math.floor(lookupNs / 1000)],
  [cacheInsertionDuration, ({ insertionNs }) => Math.floor(insertionNs / 1000)],
];

/** The metrics of Triton's local cache. */
export function localCacheMetrics(cache: LocalResponseCache): MetricCollector {
  return {
    collect: () => {
      const counters = cache.counters();
      return values.map(([family, value]) => ({ family, labels: '', value: value(counters) }));
    },
  };
}
