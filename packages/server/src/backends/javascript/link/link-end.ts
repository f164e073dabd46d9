import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { ThreadPost } from '../tensor-pack.ts';
import { atWork, blocked, inLoop, type LinkDirection } from './link-memory.ts';
import { NamesGiven, NamesTaken } from './link-names.ts';
import { RingReader, RingWriter } from './shared-ring.ts';

/** Messages handed out at once: the event loop of the server has others to look after. */
const drainedMax = 256;

/** What goes by the port: a message with its number, a name, or a mere wake-up. */
type PortMessage =
  | { readonly number: number; readonly post: ThreadPost }
  | { readonly number: number; readonly name: string }
  | null;

/** What entries of the ring are sent by. */
export interface EntrySender {
  /** Begins an entry of the ring, to be handed over by `commit`. */
  begin(): RingWriter;
  /** The number by which a name goes in entries. -1 where there are too many names. */
  nameNumber(name: string): number;
  /** @returns false, and nothing was sent, where the entry did not fit */
  commit(): boolean;
}

/** How what comes is waited for. */
export interface MessageReceiver {
  /** Takes what the port says; has to be called for each of its messages. */
  fromPort(message: unknown): void;
  /** Hands out what has come, of very much a part. */
  drain(): void;
  /** Something was sent that is not handed out yet. */
  readonly hasMore: boolean;
  /** From now on this end looks by itself for what comes. */
  atWork(): void;
  /** From now on the port wakes this end. @returns false where something has come meanwhile: it is at work then */
  rest(): boolean;
  /** Blocks this thread until something comes. @returns whether it did */
  waitFor(timeoutMs: number): boolean;
}

export interface LinkEndOptions<Message> {
  readonly port: MessagePort;
  readonly outgoing: LinkDirection;
  readonly incoming: LinkDirection;
  /** What came by the port. */
  readonly ofPost: (post: ThreadPost) => Message;
  /** What came by the ring, whose memory is used again after this. */
  readonly ofEntry: (entry: RingReader, names: NamesTaken) => Message;
  readonly received: (message: Message) => void;
}

/**
 * One end of the way between the server and a thread. Messages go by a ring in shared memory where they fit, and
 * by the port otherwise; they are numbered, so that they arrive in the order in which they were sent. A receiver that rests in
 * its event loop is woken by the port, one that is blocked (`waitFor`) by the memory itself, which costs half.
 */
export class LinkEnd<Message> implements EntrySender, MessageReceiver {
  readonly #options: LinkEndOptions<Message>;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #names: NamesGiven;
  readonly #knownNames = new NamesTaken();
  /** Numbers of the next message in each direction, modulo 2^32. */
  #nextOut = 0;
  #nextIn = 0;
  #receiverRested = true;

  constructor(options: LinkEndOptions<Message>) {
    this.#options = options;
    this.#writer = new RingWriter(options.outgoing.ring);
    this.#reader = new RingReader(options.incoming.ring);
    this.#names = new NamesGiven((name) => this.#post({ number: this.#nextOut, name }, []));
  }

  /** Sends by the port. */
  post(post: ThreadPost, transfer: ArrayBuffer[]): void {
    this.#post({ number: this.#nextOut, post }, transfer);
  }

  begin(): RingWriter {
    this.#writer.begin();
    return this.#writer;
  }

  nameNumber(name: string): number {
    return this.#names.numberOf(name);
  }

  commit(): boolean {
    if (!this.#writer.commit(this.#nextOut)) return false;
    const { control, restingAt } = this.#options.outgoing;
    this.#count();
    this.#notifyBlocked();
    if (
      this.#receiverRested &&
      Atomics.compareExchange(control, restingAt, inLoop, atWork) === inLoop
    ) {
      this.#options.port.postMessage(null);
    }
    return true;
  }

  /** The receiver of what was sent last takes it up as soon as it has a processor: its event loop is not in between. */
  get receiverIsQuick(): boolean {
    return !this.#receiverRested;
  }

  fromPort(message: unknown): void {
    this.atWork();
    const given = message as PortMessage;
    if (given === null) return;
    while (this.#nextIn !== given.number) this.#takeEntry();
    this.#take(given);
  }

  drain(): void {
    for (let left = drainedMax; left > 0 && this.hasMore; left--) {
      if (this.#reader.peek() === this.#nextIn) {
        this.#takeEntry();
      } else {
        const left = receiveMessageOnPort(this.#options.port) as
          | { message: PortMessage }
          | undefined;
        if (left === undefined) throw new Error(`message ${this.#nextIn} is missing`);
        if (left.message !== null) this.#take(left.message);
      }
    }
  }

  get hasMore(): boolean {
    const { control, sentAt } = this.#options.incoming;
    return ((Atomics.load(control, sentAt) - this.#nextIn) | 0) > 0;
  }

  atWork(): void {
    Atomics.store(this.#options.incoming.control, this.#options.incoming.restingAt, atWork);
  }

  rest(): boolean {
    const { control, restingAt } = this.#options.incoming;
    Atomics.store(control, restingAt, inLoop);
    if (!this.hasMore) return true;
    Atomics.store(control, restingAt, atWork);
    return false;
  }

  waitFor(timeoutMs: number): boolean {
    const { control, sentAt, restingAt } = this.#options.incoming;
    Atomics.store(control, restingAt, blocked);
    if (!this.hasMore) Atomics.wait(control, sentAt, this.#nextIn, timeoutMs);
    Atomics.store(control, restingAt, atWork);
    return this.hasMore;
  }

  #post(message: PortMessage, transfer: ArrayBuffer[]): void {
    this.#options.port.postMessage(message, transfer);
    this.#count();
    this.#notifyBlocked();
  }

  #notifyBlocked(): void {
    const { control, sentAt, restingAt } = this.#options.outgoing;
    const resting = Atomics.load(control, restingAt);
    if (resting === blocked) Atomics.notify(control, sentAt);
    this.#receiverRested = resting === inLoop;
  }

  #count(): void {
    this.#nextOut = (this.#nextOut + 1) | 0;
    Atomics.store(this.#options.outgoing.control, this.#options.outgoing.sentAt, this.#nextOut);
  }

  #take(given: NonNullable<PortMessage>): void {
    if (given.number !== this.#nextIn) throw new Error(`message ${this.#nextIn} is missing`);
    this.#nextIn = (this.#nextIn + 1) | 0;
    if ('name' in given) this.#knownNames.add(given.name);
    else this.#options.received(this.#options.ofPost(given.post));
  }

  /** The entry's memory is given back before anybody acts on it, who may well come back here. */
  #takeEntry(): void {
    if (this.#reader.peek() !== this.#nextIn) throw new Error(`message ${this.#nextIn} is missing`);
    const message = this.#options.ofEntry(this.#reader, this.#knownNames);
    this.#reader.done();
    this.#nextIn = (this.#nextIn + 1) | 0;
    this.#options.received(message);
  }
}
