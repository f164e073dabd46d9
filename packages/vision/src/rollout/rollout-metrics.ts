/** The function that ran. */
export type Route = 'old' | 'candidate';

/** Whether its answer was given, or only compared. */
export type Role = 'serving' | 'shadow';

/** Upper bounds in seconds, as Prometheus' own clients have them. */
const bucketSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Durations of one function, counted by bounds. */
class DurationHistogram {
  readonly #counts = new Array<number>(bucketSeconds.length).fill(0);
  #count = 0;
  #sum = 0;

  add(seconds: number): void {
    const bucket = bucketSeconds.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    this.#sum += seconds;
  }

  lines(name: string, labels: string): string[] {
    let below = 0;
    const buckets = bucketSeconds.map((bound, i) => {
      below += this.#counts[i] as number;
      return `${name}_bucket{${labels},le="${bound}"} ${below}`;
    });
    return [
      ...buckets,
      `${name}_bucket{${labels},le="+Inf"} ${this.#count}`,
      `${name}_sum{${labels}} ${this.#sum}`,
      `${name}_count{${labels}} ${this.#count}`,
    ];
  }
}

/** What a rollout is set to at the moment. */
export interface RolloutGauges {
  readonly percentage: number;
  readonly paused: boolean;
}

const prefix = 'nereid_rollout';
const routes: readonly Route[] = ['old', 'candidate'];
const roles: readonly Role[] = ['serving', 'shadow'];

/** Counts what a rollout does, as Prometheus reads it. */
export class RolloutMetrics {
  readonly #label: string;
  readonly #durations: Record<Route, DurationHistogram> = {
    old: new DurationHistogram(),
    candidate: new DurationHistogram(),
  };
  readonly #requests = new Map<string, number>();
  fallBacks = 0;
  shadowsDropped = 0;
  pauses = 0;
  #same = 0;
  #different = 0;
  #agreement = 0;

  constructor(name: string) {
    const escaped = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    this.#label = `rollout="${escaped}"`;
    for (const route of routes) {
      for (const role of roles) {
        for (const failed of [false, true]) this.#requests.set(key(route, role, failed), 0);
      }
    }
  }

  ran(route: Route, role: Role, failed: boolean, seconds: number): void {
    const labels = key(route, role, failed);
    this.#requests.set(labels, (this.#requests.get(labels) as number) + 1);
    this.#durations[route].add(seconds);
  }

  /** @param agreement From 0 to 1. */
  compared(agreement: number, same: boolean): void {
    this.#agreement += agreement;
    if (same) this.#same++;
    else this.#different++;
  }

  /** In Prometheus' text format. */
  text({ percentage, paused }: RolloutGauges): string {
    const label = this.#label;
    const counter = (name: string, help: string, values: readonly string[]): string[] => [
      `# HELP ${prefix}_${name} ${help}`,
      `# TYPE ${prefix}_${name} counter`,
      ...values.map((value) => `${prefix}_${name}${value}`),
    ];
    const gauge = (name: string, help: string, value: number): string[] => [
      `# HELP ${prefix}_${name} ${help}`,
      `# TYPE ${prefix}_${name} gauge`,
      `${prefix}_${name}{${label}} ${value}`,
    ];
    const requests = [...this.#requests].map(([labels, count]) => `{${label},${labels}} ${count}`);
    const lines = [
      ...counter('requests_total', 'Calls of the old function and of the candidate', requests),
      ...counter(
        'fall_backs_total',
        'Requests that the old function answered since the candidate failed',
        [`{${label}} ${this.fallBacks}`],
      ),
      ...counter('shadows_dropped_total', 'Comparisons left out since too many were under way', [
        `{${label}} ${this.shadowsDropped}`,
      ]),
      ...counter('pauses_total', 'Times that the candidate was paused for its failures', [
        `{${label}} ${this.pauses}`,
      ]),
      ...counter('comparisons_total', 'Answers of both functions that were compared', [
        `{${label},result="same"} ${this.#same}`,
        `{${label},result="different"} ${this.#different}`,
      ]),
      `# HELP ${prefix}_agreement How far compared answers agree, from 0 to 1`,
      `# TYPE ${prefix}_agreement summary`,
      `${prefix}_agreement_sum{${label}} ${this.#agreement}`,
      `${prefix}_agreement_count{${label}} ${this.#same + this.#different}`,
      `# HELP ${prefix}_duration_seconds How long the functions took`,
      `# TYPE ${prefix}_duration_seconds histogram`,
      ...routes.flatMap((route) =>
        this.#durations[route].lines(`${prefix}_duration_seconds`, `${label},route="${route}"`),
      ),
      ...gauge('percentage', 'The part of the keys that the candidate is to serve', percentage),
      ...gauge('paused', 'Whether the candidate is paused for its failures', paused ? 1 : 0),
    ];
    return `${lines.join('\n')}\n`;
  }
}

function key(route: Route, role: Role, failed: boolean): string {
  return `route="${route}",role="${role}",outcome="${failed ? 'failure' : 'success'}"`;
}
