import type { HttpRequest } from '../http-handler.ts';
import type { RequestHead } from './request-head.ts';

const noBody = Buffer.alloc(0);

/** One request that came over a connection. */
export class Http1Request implements HttpRequest {
  readonly #head: RequestHead;
  readonly #peer: { readonly remoteAddress: string };
  readonly target: string;
  body: Uint8Array = noBody;
  headNs = 0;
  /** The body once its handler is done with it. */
  releasedBody: Uint8Array | null = null;
  #pathEnd = -1;
  #pathStart = 0;
  #state: 'open' | 'finished' | 'aborted' = 'open';
  #callbacks: (() => void)[] | null = null;
  #controller: AbortController | null = null;

  constructor(head: RequestHead, target: string, peer: { readonly remoteAddress: string }) {
    this.#head = head;
    this.#peer = peer;
    this.target = target;
  }

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    this.#splitTarget();
    const { target } = this;
    if (this.#pathStart === 0 && this.#pathEnd === target.length) return target;
    return this.#pathStart === this.#pathEnd ? '/' : target.slice(this.#pathStart, this.#pathEnd);
  }

  get query(): string {
    this.#splitTarget();
    const { target } = this;
    if (target.charCodeAt(this.#pathEnd) !== 0x3f) return '';
    const fragment = target.indexOf('#', this.#pathEnd);
    return target.slice(this.#pathEnd + 1, fragment < 0 ? target.length : fragment);
  }

  get httpVersion(): '1.0' | '1.1' {
    return this.#head.minorVersion === 1 ? '1.1' : '1.0';
  }

  get remoteAddress(): string {
    return this.#peer.remoteAddress;
  }

  get aborted(): boolean {
    return this.#state === 'aborted';
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  header(lowerCaseName: string): string | null {
    return this.#head.header(lowerCaseName);
  }

  headers(): IterableIterator<[string, string]> {
    return this.#head.headers();
  }

  releaseBody(): void {
    if (this.releasedBody !== null || this.#state !== 'open') return;
    this.releasedBody = this.body;
    this.body = noBody;
  }

  onAborted(callback: () => void): void {
    if (this.#state === 'aborted') callback();
    else if (this.#state === 'finished') return;
    else if (this.#callbacks === null) this.#callbacks = [callback];
    else this.#callbacks.push(callback);
  }

  /** The response is complete: nothing can abort it any more. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'finished';
    this.#callbacks = null;
  }

  /** The client has gone. Does nothing after `finish`. */
  abort(): void {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    const callbacks = this.#callbacks ?? [];
    this.#callbacks = null;
    this.#controller?.abort();
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        // One that throws must not keep the others from hearing of it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #splitTarget(): void {
    if (this.#pathEnd >= 0) return;
    const { target } = this;
    this.#pathStart = target.charCodeAt(0) === 0x2f || target === '*' ? 0 : authorityEnd(target);
    const query = target.indexOf('?', this.#pathStart);
    const fragment = target.indexOf('#', this.#pathStart);
    this.#pathEnd = query < 0 ? target.length : query;
    if (fragment >= 0 && fragment < this.#pathEnd) this.#pathEnd = fragment;
  }
}

/** Where the path of an absolute URI starts. */
function authorityEnd(target: string): number {
  const start = target.indexOf('//') + 2;
  for (let at = start; at < target.length; at++) {
    const code = target.charCodeAt(at);
    if (code === 0x2f || code === 0x3f || code === 0x23) return at;
  }
  return target.length;
}
