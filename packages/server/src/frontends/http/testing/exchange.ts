import type {
  HeaderField,
  HttpHandler,
  HttpRequest,
  HttpResponder,
  HttpStream,
  ResponseBody,
} from '@nereid/transport';

/** A request as a test writes it. Header names in lower case. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The client goes as soon as the handler has returned. */
  readonly abort?: boolean;
}

/** The answer, and whether it was there when the handler returned. */
export interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly synchronous: boolean;
  header(lowerCaseName: string): string | null;
  text(): string;
}

/** Hands a request to a handler without any transport, so that a test sees what the handler itself does. */
export function exchange(handler: HttpHandler, sent: Sent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = new PlainRequest(sent);
    let synchronous = true;
    const responder = new PlainResponder((status, headers, body) =>
      resolve({
        status,
        body,
        synchronous,
        header: (name) => headers.find(([other]) => other.toLowerCase() === name)?.[1] ?? null,
        text: () => body.toString(),
      }),
    );
    const rejection = handler.head?.(request)?.reject;
    try {
      if (rejection !== undefined) {
        responder.send(rejection.status, rejection.headers, rejection.body);
      } else {
        handler.handle(request, responder);
      }
    } catch (failure) {
      reject(failure as Error);
    }
    synchronous = false;
    if (sent.abort === true) request.abort();
  });
}

/** A request that no transport has brought. */
export function plainRequest(sent: Sent): HttpRequest {
  return new PlainRequest(sent);
}

class PlainRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string = '';
  readonly httpVersion = '1.1';
  readonly remoteAddress: string = '127.0.0.1';
  readonly body: Uint8Array;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #controller = new AbortController();

  constructor({ method, path, headers, body }: Sent) {
    this.method = method;
    this.target = path;
    this.path = path;
    this.body = typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array(0));
    this.#headers = { 'content-length': String(this.body.length), ...headers };
  }

  header(name: string): string | null {
    return Object.hasOwn(this.#headers, name) ? (this.#headers[name] ?? null) : null;
  }

  headers(): IterableIterator<[string, string]> {
    return Object.entries(this.#headers).values();
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  onAborted(callback: () => void): void {
    if (this.aborted) callback();
    else this.signal.addEventListener('abort', callback);
  }

  abort(): void {
    this.#controller.abort();
  }
}

type OnSent = (status: number, headers: readonly HeaderField[], body: Buffer) => void;

class PlainResponder implements HttpResponder {
  readonly #onSent: OnSent;
  sent = false;

  constructor(onSent: OnSent) {
    this.#onSent = onSent;
  }

  send(status: number, headers: readonly HeaderField[], body: ResponseBody): void {
    if (this.sent) throw new Error('answered twice');
    this.sent = true;
    this.#onSent(status, headers, bytesOf(body));
  }

  stream(status: number, headers: readonly HeaderField[]): HttpStream {
    if (this.sent) throw new Error('answered twice');
    this.sent = true;
    const pieces: Buffer[] = [];
    let over = false;
    return {
      write(chunk) {
        if (over) throw new Error('the response has ended');
        pieces.push(Buffer.from(chunk as Uint8Array));
        return true;
      },
      drained: () => Promise.resolve(),
      end: () => {
        over = true;
        this.#onSent(status, headers, Buffer.concat(pieces));
      },
      abort: () => {
        over = true;
      },
    };
  }
}

function bytesOf(body: ResponseBody): Buffer {
  if (body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.concat(body instanceof Uint8Array ? [body] : body);
}
