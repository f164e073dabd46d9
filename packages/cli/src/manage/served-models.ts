import type { InferenceClient, ModelStatistics, RepositoryEntry } from '@nereid/client';

/** A model version as a server tells of it, with what it has done so far. */
export interface ServedVersion {
  readonly name: string;
  /** '' for a model that was never loaded. */
  readonly version: string;
  /** '' for a model that was never loaded. */
  readonly state: RepositoryEntry['state'];
  readonly reason: string;
  /** Bytes in all memories; null where the server does not tell. */
  readonly memoryBytes: number | null;
  /** Requests that were answered; null for what does not serve. */
  readonly succeeded: number | null;
  readonly failed: number | null;
}

interface MemoryUsage {
  readonly byte_size: number;
}

/** Every version of every model that the server knows, in its order. */
export async function servedVersions(client: InferenceClient): Promise<ServedVersion[]> {
  const [index, statistics] = await Promise.all([
    client.repositoryIndex(),
    // With --allow-... or a proxy before it a server may tell the one and not the other.
    client.statistics().catch(() => [] as ModelStatistics[]),
  ]);
  const byVersion = new Map(statistics.map((one) => [key(one.name, one.version), one]));
  return index.map(({ name, version, state, reason }) => {
    const found = byVersion.get(key(name, version));
    const stats = state === 'READY' ? found?.inference_stats : undefined;
    return {
      name,
      version,
      state,
      reason,
      memoryBytes: found === undefined || state !== 'READY' ? null : memoryBytes(found),
      succeeded: stats === undefined ? null : Number(stats.success.count),
      failed: stats === undefined ? null : Number(stats.fail.count),
    };
  });
}

function key(name: string, version: string): string {
  return `${version}/${name}`;
}

/** Null where nothing was measured: most backends do not tell. */
function memoryBytes(statistics: ModelStatistics): number | null {
  const usages = (statistics['memory_usage'] ?? []) as readonly MemoryUsage[];
  if (usages.length === 0) return null;
  return usages.reduce((sum, { byte_size: bytes }) => sum + Number(bytes), 0);
}
