import type { ModelConfig, TritonError } from '@nereid/protocol';
import type { BackendInstance } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { ResponseSink } from '../../core/infer-response.ts';
import type { Logger } from '../../core/logger.ts';
import { QueueFullError } from '../../core/queue-full-error.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { ModelStatistics } from '../../observability/model-statistics.ts';
import { BatchCounters, type BatchingReport } from '../batching/batch-counters.ts';
import { mayMergeOf } from '../batching/mergeable-requests.ts';
import type { InstanceUser } from '../idle-instances.ts';
import { RequestIntake } from '../request-intake.ts';
import { queueRequestsMaxDefault, stoppingError } from '../scheduled-request.ts';
import { systemTurn, type Turn } from '../turn.ts';
import { type CorrelationId, correlationIdOf } from './correlation-id.ts';
import { KeptStates, type StateSettings } from './kept-states.ts';
import { LiveSequences } from './live-sequences.ts';
import type { SchedulerHold } from './scheduler-hold.ts';
import { Sequence } from './sequence.ts';
import { SequenceBacklog } from './sequence-backlog.ts';
import type { SlotOwner } from './sequence-batcher.ts';
import { sequenceBatcherMaker } from './sequence-batcher-maker.ts';
import { SequenceBatchers } from './sequence-batchers.ts';
import { SequenceControls } from './sequence-controls.ts';
import {
  expiredSequenceError,
  missingCorrelationIdError,
  missingStartError,
  staticBatchError,
} from './sequence-errors.ts';
import { SequenceRequest, type SequenceRequestOwner } from './sequence-request.ts';
import type { SequenceSlot } from './sequence-slot.ts';

export interface SequenceBatchSchedulerOptions {
  readonly modelName: string;
  /** With `sequence_batching`. */
  readonly config: ModelConfig;
  /** One for each `state` of the configuration. */
  readonly states: readonly StateSettings[];
  readonly instances: readonly BackendInstance[];
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turn?: Turn;
  readonly queueRequestsMax?: number;
  /** What is waited for before anything is executed; null or absent is nothing. */
  readonly hold?: SchedulerHold | null;
}

/**
 * Gives every sequence a slot on one instance for as long as it goes on, and executes its requests one
 * after the other. Sequences beyond the slots wait in the backlog. A strategy decides for each
 * instance which slots' requests run when, and together.
 */
export class SequenceBatchScheduler
  implements Scheduler, InstanceUser, SequenceRequestOwner, SlotOwner
{
  readonly modelName: string;
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly controls: SequenceControls;
  readonly iterative: boolean;
  /** A sequence goes on for as long as its client likes. */
  readonly keepsInstancesLong = true;
  readonly #options: SequenceBatchSchedulerOptions;
  readonly #logger: Logger;
  readonly #mayMerge: ReturnType<typeof mayMergeOf>;
  readonly #stateNames: readonly string[];
  readonly #batchers: SequenceBatchers;
  readonly #counters = new BatchCounters();
  readonly #live: LiveSequences;
  readonly #backlog: SequenceBacklog;
  readonly #intake = new RequestIntake();
  /** Requests that wait in their sequences. */
  #waitingCount = 0;
  #nextGeneratedId = 1;
  #hold: SchedulerHold | null;
  #stopping = false;

  constructor(options: SequenceBatchSchedulerOptions) {
    const { config, clock } = options;
    const batching = config.sequence_batching;
    if (batching === null) throw new Error(`model '${options.modelName}' has no sequence_batching`);
    this.modelName = options.modelName;
    this.statistics = options.statistics;
    this.clock = clock;
    this.controls = new SequenceControls(config);
    this.iterative = batching.iterative_sequence;
    this.#options = options;
    this.#logger = options.logger;
    this.#mayMerge = mayMergeOf(config);
    this.#stateNames = options.states.map(({ outputName }) => outputName);
    const { hold = null } = options;
    this.#hold = hold === null || hold.requestCount === 0 ? null : hold;
    const idleNs = Number(batching.max_sequence_idle_microseconds) * 1000;
    this.#live = new LiveSequences(clock, idleNs, (sequence) => this.#cutOffIdle(sequence));
    this.#backlog = new SequenceBacklog(clock, (sequence) => this.#rejectExpired(sequence));
    const maker = sequenceBatcherMaker({
      ...options,
      owner: this,
      controls: this.controls,
      mayMerge: this.#mayMerge,
      counters: this.#counters,
      turn: options.turn ?? systemTurn,
      heldRequests: () => this.#hold?.requestCount ?? 0,
      isHeld: () => this.#isHeld(),
    });
    this.#batchers = new SequenceBatchers(options.instances, maker);
  }

  get pendingCount(): number {
    return this.#waitingCount + this.#batchers.pendingCount;
  }

  get inflightCount(): number {
    return Math.max(this.#intake.inflight, this.#live.size);
  }

  batchingReport(): BatchingReport {
    return {
      ...this.#counters.report(this.pendingCount),
      sequences: {
        slot_count: this.#batchers.slotCount,
        active_count: this.#batchers.takenCount,
        backlog_count: this.#backlog.length,
      },
    };
  }

  enqueue(given: InferRequest, sink: ResponseSink): void {
    this.#refuseStaticBatch(given);
    const request = this.#withCorrelationId(given);
    const id = correlationIdOf(request.parameters);
    if (id === null) throw missingCorrelationIdError(this.modelName);
    const { sequenceStart, sequenceEnd, timeoutUs } = request.parameters;
    if (this.#stopping && sequenceStart) throw stoppingError();
    const key = request === given ? id : -(id as number);
    const known = this.#live.get(key);
    if (known === null && !sequenceStart) throw missingStartError(id, this.modelName);
    if (this.#waitingCount >= (this.#options.queueRequestsMax ?? queueRequestsMaxDefault)) {
      throw new QueueFullError();
    }
    if (known !== null && sequenceStart) this.#warnOfConflict(id);
    const sequence = known ?? this.#begin(id, key);
    this.#intake.enter();
    const scheduled = new SequenceRequest(this, sequence, request, sink);
    this.#push(scheduled);
    if (sequence.slot === null) this.#backlog.limit(sequence, timeoutUs);
    if (sequenceEnd) {
      this.#live.remove(sequence);
      sequence.over = true;
    } else {
      this.#live.touch(sequence);
    }
    scheduled.watchCancellation();
    this.#letGo();
    sequence.slot?.batcher.look(sequence.slot);
  }

  async endSequences(): Promise<void> {
    this.#stopping = true;
    await this.#live.none();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#hold = null;
    for (const batcher of this.#batchers) batcher.stop();
    await this.#intake.close();
    // A timer would keep the states of sequences that nobody ended.
    this.#live.clear();
    this.#backlog.clear();
    this.#batchers.clear();
  }

  /** @inheritdoc */
  replaceInstances(instances: readonly BackendInstance[]): Promise<void> {
    const left = this.#batchers.replace(instances);
    while (this.#backlog.length > 0) {
      const slot = this.#batchers.takeSlot();
      if (slot === null) break;
      this.#give(slot, this.#backlog.shift() as Sequence);
      slot.batcher.look(slot);
    }
    return left;
  }

  first(slot: SequenceSlot): SequenceRequest | null {
    for (;;) {
      const { sequence } = slot;
      const request = sequence?.waiting.first;
      if (request !== undefined) return request;
      if (sequence === null || !sequence.over) return null;
      this.#release(slot);
    }
  }

  take(slot: SequenceSlot): SequenceRequest {
    const sequence = slot.sequence as Sequence;
    const request = sequence.waiting.shift() as SequenceRequest;
    this.#waitingCount--;
    request.slot = slot;
    slot.inflight = request;
    // Those who wait in a batcher's queue look out for themselves there.
    request.unwatchCancellation();
    if (request.isEnd) this.#release(slot);
    return request;
  }

  newStates(): KeptStates | null {
    if (this.#stateNames.length === 0) return null;
    return new KeptStates(this.#options.states, this.#stateNames);
  }

  /** Called by a request that was cancelled while it waited. */
  dropFromQueue(request: SequenceRequest): void {
    if (request.sequence.waiting.remove(request)) this.#waitingCount--;
    else if (request.slot?.batcher.remove(request) !== true) return;
    request.rejectCancelled();
  }

  /** Called once by every request when its answer is out. */
  settled(request: SequenceRequest): void {
    const { sequence, slot } = request;
    this.#intake.leave();
    if (sequence.cancelled || this.iterative) this.#cutOff(sequence);
    this.#leave(request, slot);
  }

  checkReschedule({ sequence }: SequenceRequest): void {
    if (sequence.over) throw missingStartError(this.#shownId(sequence), this.modelName);
  }

  requeue(request: SequenceRequest): void {
    const { sequence, slot } = request;
    try {
      this.checkReschedule(request);
    } catch (error) {
      request.fail(error as TritonError);
      return;
    }
    this.#push(request);
    this.#live.touch(sequence);
    request.watchCancellation();
    this.#leave(request, slot);
  }

  /** @throws TritonError */
  #refuseStaticBatch(request: InferRequest): void {
    // A request with a batch of none has no batch dimension and does not even go with itself.
    const odd = this.#options.config.max_batch_size > 0 && !this.#mayMerge(request, request);
    if (request.batchSize > 1 || odd) throw staticBatchError(this.modelName);
  }

  /** An iterative sequence may be of one request, which need not say so. */
  #withCorrelationId(request: InferRequest): InferRequest {
    if (!this.iterative || correlationIdOf(request.parameters) !== null) return request;
    const sequenceId = this.#nextGeneratedId++;
    const parameters = {
      ...request.parameters,
      sequenceId,
      sequenceStart: true,
      sequenceEnd: false,
    };
    return { ...request, parameters };
  }

  /** A new sequence, in the lowest free slot of all instances or in the backlog. */
  #begin(id: CorrelationId, key: CorrelationId): Sequence {
    const sequence = new Sequence(key, this.controls.idTensors(id), this.clock.nowNs());
    const slot = this.#batchers.takeSlot();
    if (slot === null) this.#backlog.add(sequence);
    else occupy(slot, sequence);
    return sequence;
  }

  #push(request: SequenceRequest): void {
    request.sequence.waiting.push(request);
    this.#waitingCount++;
  }

  /** A request no longer takes its slot up. */
  #leave(request: SequenceRequest, slot: SequenceSlot | null): void {
    if (slot === null || slot.inflight !== request) return;
    slot.inflight = null;
    slot.batcher.leave(slot, request);
    this.#batchers.slotLeft(slot.batcher);
  }

  /** The slot's sequence is over: it goes to the one that has waited longest for a slot. */
  #release(slot: SequenceSlot): void {
    const { batcher } = slot;
    if (slot.sequence !== null) slot.sequence.slot = null;
    slot.sequence = null;
    const next = this.#batchers.keeps(batcher) ? this.#backlog.shift() : null;
    if (next !== null) {
      this.#give(slot, next);
      return;
    }
    batcher.slots.giveBack(slot);
    this.#batchers.slotLeft(batcher);
  }

  /** A sequence that was in the backlog gets a slot. */
  #give(slot: SequenceSlot, next: Sequence): void {
    occupy(slot, next);
    if (!next.over) this.#live.touch(next);
  }

  /** The sequence ends here: what waits of it is cancelled, its slot is free when nothing runs. */
  #cutOff(sequence: Sequence): void {
    this.#end(sequence);
    for (const request of this.#takeAll(sequence)) request.rejectWithSequence();
    this.#freeWhenOver(sequence);
  }

  #cutOffIdle(sequence: Sequence): void {
    this.#logger.verbose(
      1,
      `model '${this.modelName}': sequence ${this.#shownId(sequence)} was idle for too long`,
    );
    this.#end(sequence);
    this.#freeWhenOver(sequence);
  }

  #rejectExpired(sequence: Sequence): void {
    this.#end(sequence);
    const error = expiredSequenceError();
    for (const request of this.#takeAll(sequence)) request.reject('REJECTED', error);
  }

  /** Takes everything that waits out of a sequence, before any of it is answered. */
  #takeAll({ waiting }: Sequence): readonly SequenceRequest[] {
    const requests: SequenceRequest[] = [];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next.unwatchCancellation();
      requests.push(next);
    }
    this.#waitingCount -= requests.length;
    return requests;
  }

  #end(sequence: Sequence): void {
    sequence.over = true;
    this.#live.remove(sequence);
    this.#backlog.remove(sequence);
  }

  #freeWhenOver({ slot }: Sequence): void {
    if (slot === null || slot.inflight !== null) return;
    if (this.first(slot) !== null) slot.batcher.look(slot);
  }

  /** Once there is enough to begin with, everything begins. */
  #letGo(): void {
    if (this.#hold === null || this.#isHeld()) return;
    this.#hold = null;
    for (const { slots } of this.#batchers) {
      for (const slot of slots.made) slot.batcher.look(slot);
    }
  }

  #isHeld(): boolean {
    if (this.#hold === null) return false;
    const backlogCount = this.#backlog.requestCount;
    return (
      this.#waitingCount - backlogCount < this.#hold.requestCount ||
      backlogCount < this.#hold.backlogRequestCount
    );
  }

  #warnOfConflict(id: CorrelationId): void {
    this.#logger.warning(
      `sequence ${id} for model '${this.modelName}' has a conflict. The previous sequence did not end before this sequence start. Previous sequence will be terminated early.`,
    );
  }

  /** Generated ids are kept as negative numbers. */
  #shownId({ id }: Sequence): CorrelationId {
    return typeof id === 'number' && id < 0 ? -id : id;
  }
}

function occupy(slot: SequenceSlot, sequence: Sequence): void {
  slot.sequence = sequence;
  sequence.slot = slot;
}
