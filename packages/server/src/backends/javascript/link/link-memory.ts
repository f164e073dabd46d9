import type { RingMemory } from './shared-ring.ts';

/** What a thread and the server share: plain memory, to be sent to the thread when it starts. */
export interface LinkMemory {
  readonly control: SharedArrayBuffer;
  readonly toThread: SharedArrayBuffer;
  readonly toServer: SharedArrayBuffer;
}

/** Of one direction. A message that is larger goes by the port, as do those that find the ring full. */
const ringBytes = 512 * 1024;

/** Words of the control memory for one direction; each direction has cache lines of its own. */
const written = 0;
const read = 16;
const sent = 32;
const resting = 48;
const directionWords = 64;

/** How the receiver of a direction waits. */
export const inLoop = 0;
export const atWork = 1;
export const blocked = 2;

/** One direction, from a sender to a receiver. */
export interface LinkDirection {
  readonly control: Int32Array;
  readonly ring: RingMemory;
  /** Where the number of messages is that were sent, by the ring and by the port. */
  readonly sentAt: number;
  /** Where it says how the receiver waits. */
  readonly restingAt: number;
}

export function newLinkMemory(): LinkMemory {
  return {
    control: new SharedArrayBuffer(2 * directionWords * Int32Array.BYTES_PER_ELEMENT),
    toThread: new SharedArrayBuffer(ringBytes),
    toServer: new SharedArrayBuffer(ringBytes),
  };
}

export function linkDirection(
  memory: LinkMemory,
  direction: 'toThread' | 'toServer',
): LinkDirection {
  const control = new Int32Array(memory.control);
  const first = direction === 'toThread' ? 0 : directionWords;
  return {
    control,
    ring: {
      counters: control,
      writtenAt: first + written,
      readAt: first + read,
      entries: memory[direction],
    },
    sentAt: first + sent,
    restingAt: first + resting,
  };
}
