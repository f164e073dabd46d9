import { headerValue } from '../hpack/header-list.ts';
import type { HttpRequest } from '../http-handler.ts';
import type { Http2Head } from './http2-head.ts';

const noBody = Buffer.alloc(0);

/** One request that came over HTTP/2, for handlers that do not care how. */
export class Http2Request implements HttpRequest {
  readonly #head: Http2Head;
  readonly remoteAddress: string;
  body: Uint8Array = noBody;
  headNs = 0;
  #state: 'open' | 'finished' | 'aborted' = 'open';
  #callbacks: (() => void)[] = [];
  #controller: AbortController | null = null;

  constructor(head: Http2Head, remoteAddress: string) {
    this.#head = head;
    this.remoteAddress = remoteAddress;
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.path;
  }

  get path(): string {
    const { path } = this.#head;
    const end = path.search(/[?#]/);
    return end < 0 ? path : path.slice(0, end);
  }

  get query(): string {
    const whole = this.#head.path;
    const fragment = whole.indexOf('#');
    const target = fragment < 0 ? whole : whole.slice(0, fragment);
    const start = target.indexOf('?');
    return start < 0 ? '' : target.slice(start + 1);
  }

  get httpVersion(): '2' {
    return '2';
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
    if (lowerCaseName === 'host') return this.#head.authority;
    return headerValue(this.#head.fields, lowerCaseName);
  }

  *headers(): IterableIterator<[name: string, value: string]> {
    const { authority, fields } = this.#head;
    if (authority !== null) yield ['host', authority];
    for (const [index, name] of fields.names.entries()) {
      if (name !== 'host' && !name.startsWith(':')) yield [name, fields.values[index]!];
    }
  }

  onAborted(callback: () => void): void {
    if (this.#state === 'aborted') callback();
    else if (this.#state === 'open') this.#callbacks.push(callback);
  }

  /** The response is complete: nothing can abort it any more. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'finished';
    this.#callbacks = [];
  }

  /** The client has gone. Does nothing after `finish`. */
  abort(callbackFailed: (error: unknown) => void): void {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#controller?.abort();
    for (const callback of this.#callbacks.splice(0)) {
      try {
        callback();
      } catch (error) {
        callbackFailed(error);
      }
    }
  }
}
