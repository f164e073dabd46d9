import { TritonError } from '@nereid/protocol';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ResponseCache } from '../core/response-cache.ts';
import type { MetricCollector } from '../observability/metric-sample.ts';
import { localCacheMetrics } from './local-cache-metrics.ts';
import { LocalResponseCache } from './local-response-cache.ts';
import { RedisResponseCache } from './redis-response-cache.ts';
import { type RedisCredentials, redisSettings } from './redis-settings.ts';

export interface ResponseCacheContext {
  /** `--cache-config` settings by the name of the cache. */
  readonly settings: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly directory: string;
  /** From the environment. */
  readonly credentials: RedisCredentials;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A cache, and what it shows on the metrics page. */
export interface OpenedCache {
  readonly cache: ResponseCache;
  readonly metrics: MetricCollector | null;
}

/**
 * Makes the cache that the command line asks for; null when it asks for none.
 * @throws TritonError with Triton's texts for one that there is not, that is set up wrong, or that cannot be reached.
 */
export async function openResponseCache(
  context: ResponseCacheContext,
): Promise<OpenedCache | null> {
  const { settings, directory, credentials, clock, logger } = context;
  const [first, ...others] = settings;
  if (first === undefined) return null;
  if (others.length > 0) {
    throw new TritonError(
      'INVALID_ARG',
      'found multiple cache configurations, but only a single cache is currently supported',
    );
  }
  const [name, values] = first;
  if (name === 'local') {
    const sizeBytes = localSizeBytes(values);
    const cache = new LocalResponseCache({ sizeBytes, clock, logger });
    logger.info(`Response Cache is created with size ${sizeBytes}`);
    return { cache, metrics: localCacheMetrics(cache) };
  }
  if (name === 'redis') {
    const parts = { settings: redisSettings(values, credentials), clock, logger };
    return { cache: await RedisResponseCache.open(parts), metrics: null };
  }
  throw new TritonError(
    'INVALID_ARG',
    `unable to find 'libtritoncache_${name}.so' for cache. Searched: ${directory}`,
  );
}

/** Read as C++'s `stoull` does, which ignores what follows the digits. */
function localSizeBytes(settings: ReadonlyMap<string, string>): number {
  const text = settings.get('size');
  if (text === undefined) {
    throw new TritonError(
      'INVALID_ARG',
      "Failed to initialize LocalCache: config didn't contain a valid 'size' field.",
    );
  }
  const digits = /^\s*\+?(\d+)/.exec(text)?.[1];
  if (digits === undefined) {
    throw new TritonError('INTERNAL', 'Failed to initialize LocalCache: stoull');
  }
  const size = Number(digits);
  if (size === 0 || !Number.isSafeInteger(size)) {
    throw new TritonError(
      'INTERNAL',
      `Failed to initialize LocalCache: the size must be a number of bytes from 1 to ${Number.MAX_SAFE_INTEGER}, got '${text}'`,
    );
  }
  return size;
}
