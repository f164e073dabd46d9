import type { ModelConfig } from '@nereid/protocol';
import type { BackendInstance, BackendModel, InstancePlace } from '../core/backend.ts';
import type { Logger } from '../core/logger.ts';
import { instancePlaces } from '../model-config/instance-groups.ts';
import type { ModelStatistics } from '../observability/model-statistics.ts';
import type { InstanceUser } from '../scheduling/idle-instances.ts';
import type { RateLimitedInstances } from '../scheduling/rate-limiting/rate-limited-instances.ts';
import type { LimitedInstance, RateLimiter } from '../scheduling/rate-limiting/rate-limiter.ts';
import { resourceNeeds } from '../scheduling/rate-limiting/resource-pool.ts';
import { GpuCountedInstance } from './gpu-counted-instance.ts';

/** One instance of a loaded model. */
interface InstanceMember {
  readonly place: InstancePlace;
  readonly instance: BackendInstance;
  /** The same as schedulers use it. */
  readonly scheduled: BackendInstance;
  /** Null without a rate limiter, and for a passive instance. */
  readonly limited: LimitedInstance | null;
}

/**
 * The instances of a loaded model version, which may become others while it serves: with another
 * `instance_group`, those that stay as they are go on, those that are missing are made, and those that are not
 * wanted any more end when what runs on them has ended.
 */
export class InstanceSet {
  readonly #model: BackendModel;
  readonly #isLimited: boolean;
  readonly #newStatistics: () => ModelStatistics;
  readonly #logger: Logger;
  readonly #gpuStatistics = new Map<number, ModelStatistics>();
  #members: readonly InstanceMember[];
  /** Ends of instances that nobody waits for. */
  readonly #departures = new Set<Promise<void>>();

  /** @param newStatistics Makes what counts for one GPU. */
  constructor(
    model: BackendModel,
    limiter: RateLimiter | null,
    newStatistics: () => ModelStatistics,
    logger: Logger,
  ) {
    this.#model = model;
    this.#newStatistics = newStatistics;
    this.#logger = logger;
    this.#isLimited = limiter !== null && model.instances.length > 0;
    const places = instancePlaces(model.config);
    this.#members = model.instances.map((instance, index) =>
      this.#member(places[index] as InstancePlace, instance),
    );
  }

  /** Those that get requests: all that are not passive. */
  get scheduled(): readonly BackendInstance[] {
    return this.#members
      .filter(({ place }) => !place.group.passive)
      .map(({ scheduled }) => scheduled);
  }

  /** What was executed on each GPU, by its number; empty for a model that is on none. */
  get gpuStatistics(): ReadonlyMap<number, ModelStatistics> {
    return this.#gpuStatistics;
  }

  /** The same as the rate limiter knows them; empty without one. */
  get limited(): readonly LimitedInstance[] {
    return this.#members.flatMap(({ limited }) => limited ?? []);
  }

  /** False where the model must be loaded anew for other instances. */
  canBecome(config: ModelConfig): boolean {
    const { acceptsInstance, addInstance, removeInstance } = this.#model;
    if (acceptsInstance === undefined || addInstance === undefined) return false;
    if (removeInstance === undefined || this.#members.length === 0) return false;
    return instancePlaces(config).every((place) => this.#model.acceptsInstance?.(place) === true);
  }

  /**
   * @param config normalised and checked.
   * @param warmUp run on each new instance that will get requests.
   * @throws TritonError when a new instance cannot be made, or could never run; everything is as it was then.
   */
  async become(
    config: ModelConfig,
    user: InstanceUser,
    rateLimited: RateLimitedInstances | null,
    warmUp: (instance: BackendInstance) => Promise<void>,
  ): Promise<void> {
    const left = [...this.#members];
    const next: InstanceMember[] = [];
    const added: InstanceMember[] = [];
    try {
      for (const place of instancePlaces(config)) {
        const member = takeEqual(left, place) ?? (await this.#add(place, config, added, warmUp));
        next.push({ ...member, place });
      }
      rateLimited?.add(added.flatMap(({ limited }) => limited ?? []));
    } catch (error) {
      for (const { instance } of added) await this.#model.removeInstance?.(instance);
      throw error;
    }
    this.#members = next;
    const departure = this.#change(user, rateLimited, left);
    if (user.keepsInstancesLong !== true) await departure;
    else this.#endLater(departure);
  }

  /** Resolves when instances that the model has no more have ended: their user must have stopped. */
  async departed(): Promise<void> {
    await Promise.all(this.#departures);
  }

  async #change(
    user: InstanceUser,
    rateLimited: RateLimitedInstances | null,
    left: readonly InstanceMember[],
  ): Promise<void> {
    if (rateLimited === null) await user.replaceInstances(this.scheduled);
    else
      await rateLimited.remove(
        left.flatMap(({ limited }) => limited ?? []),
        user,
      );
    for (const { instance } of left) await this.#model.removeInstance?.(instance);
  }

  #endLater(departure: Promise<void>): void {
    const logged = departure.catch((error: unknown) => {
      this.#logger.error(
        `failed to end an instance of '${this.#model.config.name}': ${String(error)}`,
      );
    });
    this.#departures.add(logged);
    void logged.then(() => this.#departures.delete(logged));
  }

  async #add(
    place: InstancePlace,
    config: ModelConfig,
    added: InstanceMember[],
    warmUp: (instance: BackendInstance) => Promise<void>,
  ): Promise<InstanceMember> {
    const made = await this.#model.addInstance?.(place, config);
    if (made === undefined) throw new Error(`model '${config.name}' takes no more instances`);
    const member = this.#member(place, made);
    added.push(member);
    if (!place.group.passive) await warmUp(made);
    return member;
  }

  #member(place: InstancePlace, instance: BackendInstance): InstanceMember {
    const { rate_limiter: limiter, passive } = place.group;
    const scheduled = this.#counted(place, instance);
    if (!this.#isLimited || passive) return { place, instance, scheduled, limited: null };
    const priority = Math.max(1, limiter?.priority ?? 1);
    const needs = resourceNeeds(limiter, place.device);
    const limited = { instance: scheduled, needs, priority };
    return { place, instance, scheduled, limited };
  }

  #counted({ group, device }: InstancePlace, instance: BackendInstance): BackendInstance {
    if (group.kind !== 'KIND_GPU') return instance;
    const statistics = this.#gpuStatistics.get(device) ?? this.#newStatistics();
    this.#gpuStatistics.set(device, statistics);
    return new GpuCountedInstance(instance, statistics);
  }
}

/** Takes the first that is what the place asks for: instances differ by all of their group but name and count. */
function takeEqual(members: InstanceMember[], place: InstancePlace): InstanceMember | null {
  const wanted = signatureOf(place);
  const index = members.findIndex((member) => signatureOf(member.place) === wanted);
  return index < 0 ? null : (members.splice(index, 1)[0] as InstanceMember);
}

function signatureOf({ group, device }: InstancePlace): string {
  return JSON.stringify([{ ...group, name: '', count: 1 }, device]);
}
