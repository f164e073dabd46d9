import { BodyMemory } from './body-memory.ts';
import {
  type HeaderField,
  type HttpHandler,
  type HttpResponder,
  type HttpStream,
  type ResponseBody,
  refusalOf,
} from './http-handler.ts';
import { httpLimitDefaults } from './http-limits.ts';
import { hasNoBody, responseHead } from './http1/response-head.ts';
import { InjectedHttpRequest } from './injected-http-request.ts';

/** A request that no socket carried. */
export interface InjectedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** By name, in any case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Text goes in as UTF-8. Bytes are copied. */
  readonly body?: Uint8Array | string | null;
}

/** The whole response to it. */
export interface InjectedReply {
  readonly status: number;
  /** By name in lower case; several of one name are joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Runs a request through a handler without a socket: `head`, the limits that it sets, `handle`.
 *
 * @returns The response once it is complete. Rejects when the handler throws or aborts it.
 */
export function injectRequest(
  handler: HttpHandler,
  injected: InjectedRequest,
): Promise<InjectedReply> {
  return new Promise((resolve, reject) => {
    const { body = null } = injected;
    const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : (body ?? Buffer.alloc(0));
    const request = new InjectedHttpRequest(injected, bytes.length);
    const responder = new ReplyCollector(request, resolve, reject);
    const plan = handler.head?.(request) ?? null;
    if (plan?.reject !== undefined) {
      const { status, headers, body } = plan.reject;
      responder.send(status, headers, body);
      return;
    }
    const bytesMax = plan?.bodyBytesMax ?? httpLimitDefaults.bodyBytesMax;
    if (bytes.length > bytesMax) {
      const text = `request body exceeds ${bytesMax} bytes`;
      const { headers, body } = refusalOf(handler, request, 413, text, reject);
      responder.send(413, headers, body);
      return;
    }
    const memory = new BodyMemory(null).allocate(bytes.length, plan?.alignedOffset ?? null);
    memory.set(bytes);
    request.body = memory;
    handler.handle(request, responder);
  });
}

/** Collects what a handler sends. */
class ReplyCollector implements HttpResponder {
  readonly #request: InjectedHttpRequest;
  readonly #resolve: (reply: InjectedReply) => void;
  readonly #reject: (error: Error) => void;
  #sent = false;

  constructor(
    request: InjectedHttpRequest,
    resolve: (reply: InjectedReply) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get sent(): boolean {
    return this.#sent;
  }

  send(status: number, headers: readonly HeaderField[], body: ResponseBody): void {
    this.#start(status, headers);
    this.#finish(status, headers, bytesOf(body));
  }

  stream(status: number, headers: readonly HeaderField[]): HttpStream {
    this.#start(status, headers);
    const pieces: Buffer[] = [];
    let ended = false;
    return {
      write(chunk) {
        if (ended) throw new Error('the response has ended');
        pieces.push(Buffer.from(chunk as Uint8Array));
        return true;
      },
      drained: () => Promise.resolve(),
      end: () => {
        if (ended) return;
        ended = true;
        this.#finish(status, headers, Buffer.concat(pieces));
      },
      abort: () => {
        ended = true;
        this.#reject(new Error('the response was aborted'));
      },
    };
  }

  #start(status: number, headers: readonly HeaderField[]): void {
    if (this.#sent) throw new Error('a request is answered once');
    responseHead(status, headers);
    this.#sent = true;
  }

  #finish(status: number, headers: readonly HeaderField[], body: Buffer): void {
    const byName: Record<string, string> = Object.create(null);
    for (const [name, value] of headers) {
      const key = name.toLowerCase();
      byName[key] = byName[key] === undefined ? value : `${byName[key]}, ${value}`;
    }
    const silent = this.#request.method === 'HEAD' || hasNoBody(status);
    this.#request.finish();
    this.#resolve({ status, headers: byName, body: silent ? Buffer.alloc(0) : body });
  }
}

function bytesOf(body: ResponseBody): Buffer {
  if (body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.concat(body);
}
