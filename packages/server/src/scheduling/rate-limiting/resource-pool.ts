import { type ModelRateLimiter, TritonError } from '@nereid/protocol';

/** How much of a resource an execution takes up. */
export interface ResourceNeed {
  readonly name: string;
  /** Null: one resource for all devices. */
  readonly device: number | null;
  readonly count: number;
}

/** How much of a resource there is: `--rate-limit-resource`. */
export interface ResourceLimit {
  readonly name: string;
  /** Null: so much on each device. */
  readonly device: number | null;
  readonly count: number;
}

/** What an instance on `device` needs, by its group's `rate_limiter`. */
export function resourceNeeds(
  limiter: ModelRateLimiter | null,
  device: number,
): readonly ResourceNeed[] {
  const needs = new Map<string, ResourceNeed>();
  for (const { name, global, count } of limiter?.resources ?? []) {
    const need = { name, device: global ? null : device, count };
    needs.set(keyOf(need), need);
  }
  return [...needs.values()];
}

/**
 * What there is of each resource, and what is taken. Without explicit limits there is as much of a
 * resource as the instance takes that needs the most of it.
 */
export class ResourcePool {
  readonly #limits: readonly ResourceLimit[];
  readonly #users = new Set<readonly ResourceNeed[]>();
  #available = new Map<string, number>();
  readonly #taken = new Map<string, number>();

  constructor(limits: readonly ResourceLimit[]) {
    this.#limits = limits;
  }

  /**
   * Takes note of those who will allocate; all or none.
   * @throws TritonError INVALID_ARG with Triton's texts where one of them could never run.
   */
  register(users: readonly (readonly ResourceNeed[])[]): void {
    for (const user of users) this.#users.add(user);
    try {
      this.#available = this.#computeAvailable();
    } catch (error) {
      for (const user of users) this.#users.delete(user);
      throw error;
    }
  }

  unregister(users: readonly (readonly ResourceNeed[])[]): void {
    for (const user of users) this.#users.delete(user);
    this.#available = this.#computeAvailable();
  }

  /** Takes all that is needed, or nothing. @returns false when something is short. */
  allocate(needs: readonly ResourceNeed[]): boolean {
    for (const need of needs) {
      const key = keyOf(need);
      if ((this.#taken.get(key) ?? 0) + need.count > (this.#available.get(key) ?? 0)) return false;
    }
    for (const need of needs) this.#add(need, need.count);
    return true;
  }

  /** Gives back what `allocate` took. */
  free(needs: readonly ResourceNeed[]): void {
    for (const need of needs) this.#add(need, -need.count);
  }

  #add(need: ResourceNeed, count: number): void {
    const key = keyOf(need);
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + count);
  }

  #computeAvailable(): Map<string, number> {
    const largest = new Map<string, ResourceNeed>();
    for (const need of [...this.#users].flat()) {
      const key = keyOf(need);
      if (need.count >= (largest.get(key)?.count ?? 0)) largest.set(key, need);
    }
    const available = new Map<string, number>();
    for (const [key, need] of largest) available.set(key, this.#limitOf(need));
    checkKinds([...largest.values()]);
    return available;
  }

  #limitOf(need: ResourceNeed): number {
    if (this.#limits.length === 0) return need.count;
    // The flag's names are in lower case, whatever was typed.
    const name = need.name.toLowerCase();
    const limit = this.#limits
      .filter((entry) => entry.name === name)
      .filter(({ device }) => need.device === null || device === null || device === need.device)
      .reduce((most, { count }) => Math.max(most, count), 0);
    if (limit >= need.count) return limit;
    throw new TritonError(
      'INVALID_ARG',
      `Resource count for "${need.name}" is limited to ${limit} which will prevent scheduling of one or more model instances, the minimum required count is ${need.count}`,
    );
  }
}

function checkKinds(needs: readonly ResourceNeed[]): void {
  const global = new Set(needs.filter(({ device }) => device === null).map(({ name }) => name));
  const both = needs.find(({ name, device }) => device !== null && global.has(name));
  if (both === undefined) return;
  throw new TritonError(
    'INVALID_ARG',
    `Resource "${both.name}" is present as both global and device-specific resource in the model configuration.`,
  );
}

function keyOf({ name, device }: { name: string; device: number | null }): string {
  return `${device ?? 'global'}:${name}`;
}
