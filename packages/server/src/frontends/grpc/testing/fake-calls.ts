import { decodeMessage, encodeMessage } from '@nereid/protocol';
import type {
  GrpcCall,
  GrpcHandler,
  GrpcMetadataEntry,
  GrpcStream,
  GrpcStreamReader,
} from '@nereid/transport';

/** How a call ended, and the messages that it was answered with. */
export interface CallEnd {
  /** Null while it goes on. */
  status: number | null;
  message: string;
  readonly answers: Buffer[];
}

/** A call that no transport carries. */
class FakeCall implements GrpcCall {
  readonly path: string;
  readonly deadlineNs = null;
  readonly peer = '127.0.0.1';
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #cancelled: (() => void)[] = [];
  cancelled = false;

  constructor(path: string, metadata: Readonly<Record<string, string>>) {
    this.path = path;
    this.#metadata = metadata;
  }

  metadata(name: string): string | null {
    return this.#metadata[name] ?? null;
  }

  metadataEntries(): Iterable<GrpcMetadataEntry> {
    return Object.entries(this.#metadata);
  }

  onCancelled(callback: () => void): void {
    this.#cancelled.push(callback);
  }

  cancel(): void {
    this.cancelled = true;
    for (const callback of this.#cancelled) callback();
  }
}

/** Hands calls to a handler without any transport, so that a test sees what the handler itself does. */
export class FakeClient {
  readonly #handler: GrpcHandler;
  readonly #metadata: Readonly<Record<string, string>>;

  constructor(handler: GrpcHandler, metadata: Readonly<Record<string, string>> = {}) {
    this.#handler = handler;
    this.#metadata = metadata;
  }

  /** A unary call in bytes; the end is there when the handler has answered, be it later. */
  unary(path: string, message: Uint8Array): { end: CallEnd; call: FakeCall } {
    const call = new FakeCall(path, this.#metadata);
    const end: CallEnd = { status: null, message: '', answers: [] };
    const method = this.#handler.find(path);
    if (method?.kind !== 'unary') throw new Error(`${path} is no unary method`);
    method.handle(call, message, {
      start() {},
      compress() {},
      send(parts) {
        if (end.status !== null) throw new Error('a call is answered once');
        end.status = 0;
        end.answers.push(Buffer.concat(parts));
      },
      fail(status, text) {
        if (end.status !== null) throw new Error('a call is answered once');
        end.status = status;
        end.message = text;
      },
    });
    return { end, call };
  }

  /** A unary call of the inference service, in fields. Gives `STATUS message`, or the fields of the answer. */
  async ask(name: string, fields: object = {}): Promise<unknown> {
    const { end } = this.unary(
      `/inference.GRPCInferenceService/${name}`,
      encodeMessage(`inference.${name}Request`, fields),
    );
    while (end.status === null) await new Promise((resolve) => setImmediate(resolve));
    const [answer] = end.answers;
    if (end.status !== 0 || answer === undefined) return `${end.status} ${end.message}`;
    return decodeMessage(`inference.${name}Response`, answer);
  }

  /** Opens a streaming call. */
  stream(path: string): FakeStream {
    const call = new FakeCall(path, this.#metadata);
    const method = this.#handler.find(path);
    if (method?.kind !== 'stream') throw new Error(`${path} is no streaming method`);
    const stream = new FakeStream(call);
    stream.reader = method.open(call, stream);
    return stream;
  }
}

/** One streaming call, seen from both sides. */
export class FakeStream implements GrpcStream {
  readonly call: FakeCall;
  readonly end_: CallEnd = { status: null, message: '', answers: [] };
  reader: GrpcStreamReader | null = null;
  paused = false;
  /** What `write` says; `drain` makes it true again. */
  hasRoom = true;
  #drained: (() => void)[] = [];

  constructor(call: FakeCall) {
    this.call = call;
  }

  start(): void {}

  compress(): void {}

  write(parts: readonly Uint8Array[]): boolean {
    if (this.end_.status !== null) throw new Error('the stream has ended');
    this.end_.answers.push(Buffer.concat(parts));
    return this.hasRoom;
  }

  drained(): Promise<void> {
    return this.hasRoom ? Promise.resolve() : new Promise((resolve) => this.#drained.push(resolve));
  }

  drain(): void {
    this.hasRoom = true;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  end(): void {
    this.fail(0, '');
  }

  fail(status: number, message: string): void {
    if (this.end_.status !== null) throw new Error('the stream has ended');
    this.end_.status = status;
    this.end_.message = message;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** The answers so far, as fields of a message. */
  answers<Fields extends object>(messageName: string): Fields[] {
    return this.end_.answers.map((answer) => decodeMessage<Fields>(messageName, answer));
  }
}
