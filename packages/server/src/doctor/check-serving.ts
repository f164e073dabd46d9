import { type Finding, finding } from './finding.ts';

/** Fewer requests say nothing about a model. */
const requestsMin = 100;
/** A share of failures that somebody should look at. */
const failureShareMax = 0.01;
/** Batching that joins fewer than one in ten does nothing. */
const joinedShareMin = 0.1;
/** Requests that wait so many times as long as they run want more instances, or larger batches. */
const waitShareMax = 2;
/** What a request spends in the queue when nothing is before it. */
const idleWaitNs = 100_000;
const timeoutMs = 10_000;

interface DurationStatistic {
  readonly count: number;
  readonly ns: number;
}

interface ModelStats {
  readonly name: string;
  readonly version: string;
  readonly execution_count: number;
  readonly inference_stats: Readonly<
    Record<'success' | 'fail' | 'queue' | 'compute_infer' | 'cache_hit', DurationStatistic>
  >;
}

interface ServedConfig {
  readonly max_batch_size: number;
  readonly dynamic_batching?: object;
  readonly sequence_batching?: object;
  readonly ensemble_scheduling?: object;
}

interface IndexRow {
  readonly name: string;
  readonly version?: string;
  readonly state?: string;
  readonly reason?: string;
}

/**
 * Asks a server that runs, this one or a Triton, how its models fare.
 * @param url Of its HTTP port, such as http://localhost:8000.
 */
export async function checkServing(url: string): Promise<Finding[]> {
  const server = new ServedModels(url);
  try {
    const findings = [...(await checkReady(server)), ...checkIndex(await server.index())];
    for (const stats of await server.statistics()) {
      const config = await server.config(stats.name, stats.version);
      if (config !== null) findings.push(...checkModelStatistics(stats, config));
    }
    return findings;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const fix = 'see that it runs, and that --url is its HTTP port, as http://localhost:8000';
    return [finding('error', 'server', `${url} does not answer: ${reason}`, fix)];
  }
}

async function checkReady(server: ServedModels): Promise<Finding[]> {
  if (await server.isReady()) return [];
  return [
    finding(
      'error',
      'server',
      'it is not ready: /v2/health/ready says so, and load balancers send it nothing',
      'with --strict-readiness (the default) one model that is not ready is enough: see below',
    ),
  ];
}

function checkIndex(rows: readonly IndexRow[]): Finding[] {
  return rows
    .filter(({ state, reason }) => state === 'UNAVAILABLE' && reason !== 'unloaded')
    .map(({ name, version, reason }) =>
      finding('error', `model '${name}'`, `version ${version} is not served: ${reason}`, ''),
    );
}

/** What the statistics of one model version tell. Exported for its tests. */
export function checkModelStatistics(stats: ModelStats, config: ServedConfig): Finding[] {
  const { success, fail } = stats.inference_stats;
  const subject = `model '${stats.name}'`;
  const findings: Finding[] = [];
  if (fail.count > (success.count + fail.count) * failureShareMax) {
    const problem = `${fail.count} of ${success.count + fail.count} requests failed`;
    const fix =
      'look at its log and at nv_inference_request_failure, which tells the reasons apart';
    findings.push(finding('warning', subject, problem, fix));
  }
  if (success.count < requestsMin) return findings;
  return [
    ...findings,
    ...checkJoining(subject, stats, config),
    ...checkWaiting(subject, stats, config),
  ];
}

function checkJoining(subject: string, stats: ModelStats, config: ServedConfig): Finding[] {
  if (config.dynamic_batching === undefined || config.max_batch_size <= 1) return [];
  const { success, cache_hit: hits, queue, compute_infer: compute } = stats.inference_stats;
  const executed = success.count - hits.count;
  if (executed < requestsMin || executed - stats.execution_count > executed * joinedShareMin) {
    return [];
  }
  const waits = queue.ns > Math.max(compute.ns / 10, success.count * idleWaitNs);
  return [
    finding(
      'advice',
      subject,
      `dynamic batching joined hardly any requests: ${stats.execution_count} executions for ${executed} requests`,
      waits
        ? 'requests wait and are not joined: see why at /v2/models/NAME/batching; different shapes do not fit into one batch'
        : 'requests come one after the other: more clients at the same time, or a max_queue_delay_microseconds of about one execution, would fill batches',
    ),
  ];
}

function checkWaiting(subject: string, stats: ModelStats, config: ServedConfig): Finding[] {
  const { queue, compute_infer: compute } = stats.inference_stats;
  if (queue.ns <= compute.ns * waitShareMax || config.ensemble_scheduling !== undefined) return [];
  const problem = `requests wait ${milliseconds(queue)} for ${milliseconds(compute)} of execution`;
  const batches = config.dynamic_batching !== undefined || config.sequence_batching !== undefined;
  const fix =
    config.max_batch_size > 1 && !batches
      ? 'add dynamic_batching { } to its config.pbtxt'
      : 'raise the count of its instance_group if there are processors left, or serve it on more machines';
  return [finding('warning', subject, problem, fix)];
}

function milliseconds({ ns, count }: DurationStatistic): string {
  return `${(ns / Math.max(1, count) / 1e6).toPrecision(2)} ms`;
}

/** What is asked of a server that runs. */
class ServedModels {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url.replace(/\/+$/u, '');
  }

  async isReady(): Promise<boolean> {
    return (await this.#fetch('/v2/health/ready', 'GET')).ok;
  }

  async index(): Promise<IndexRow[]> {
    return this.#json('/v2/repository/index', 'POST');
  }

  async statistics(): Promise<ModelStats[]> {
    const { model_stats: stats } = await this.#json<{ model_stats: ModelStats[] }>(
      '/v2/models/stats',
      'GET',
    );
    return stats;
  }

  /** Null for a model that was unloaded meanwhile. */
  async config(name: string, version: string): Promise<ServedConfig | null> {
    const path = `/v2/models/${encodeURIComponent(name)}/versions/${version}/config`;
    const response = await this.#fetch(path, 'GET');
    return response.ok ? ((await response.json()) as ServedConfig) : null;
  }

  async #json<T>(path: string, method: string): Promise<T> {
    const response = await this.#fetch(path, method);
    if (!response.ok) throw new Error(`${path} is answered with ${response.status}`);
    return (await response.json()) as T;
  }

  #fetch(path: string, method: string): Promise<Response> {
    return fetch(this.#url + path, { method, signal: AbortSignal.timeout(timeoutMs) });
  }
}
