import type { CallOptions } from '../infer-request.ts';
import { httpError, InferenceError } from '../inference-error.ts';
import type { ClientOptions } from './http-client-options.ts';
import type { HttpAnswer, HttpRequest, HttpStreamAnswer, HttpTransport } from './http-transport.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const jsonType = { 'content-type': 'application/json' };

/** Requests with the headers, the time-out and the plugins of a client; refusals become errors. */
export class HttpCalls {
  readonly #transport: HttpTransport;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: ClientOptions;

  constructor(transport: HttpTransport, options: ClientOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#headers = lowerCase(options.headers ?? {});
  }

  /** Whether a request succeeds: false for a 4xx or 5xx, an error when there is no answer. */
  async succeeds(path: string, options: CallOptions = {}): Promise<boolean> {
    const answer = await this.#exchange('GET', path, [], {}, options);
    return answer.status < 400;
  }

  async get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return json<T>(await this.send('GET', path, [], {}, options));
  }

  async post<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    const bytes = encoder.encode(JSON.stringify(body));
    return json<T>(await this.send('POST', path, [bytes], jsonType, options));
  }

  /** @throws InferenceError with the server's text for an answer that is no success. */
  async send(
    method: HttpRequest['method'],
    path: string,
    body: readonly Uint8Array[],
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<HttpAnswer> {
    const answer = await this.#exchange(method, path, body, headers, options);
    if (answer.status < 400) return answer;
    throw httpError(answer.status, errorText(answer.status, answer.body));
  }

  async open(path: string, body: unknown, options: CallOptions): Promise<HttpStreamAnswer> {
    const bytes = encoder.encode(JSON.stringify(body));
    const answer = await this.#transport.open(
      await this.#request('POST', path, [bytes], jsonType, options),
    );
    if (answer.status < 400) return answer;
    const pieces: number[] = [];
    for await (const piece of answer.body) pieces.push(...piece);
    throw httpError(answer.status, errorText(answer.status, Uint8Array.from(pieces)));
  }

  close(): void {
    this.#transport.close();
  }

  #exchange(
    method: HttpRequest['method'],
    path: string,
    body: readonly Uint8Array[],
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<HttpAnswer> {
    const request = this.#request(method, path, body, headers, options);
    return request instanceof Promise
      ? request.then((ready) => this.#transport.send(ready))
      : this.#transport.send(request);
  }

  #request(
    method: HttpRequest['method'],
    path: string,
    body: readonly Uint8Array[],
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): HttpRequest | Promise<HttpRequest> {
    const all = {
      ...this.#headers,
      ...(options.headers === undefined ? {} : lowerCase(options.headers)),
      ...headers,
    };
    const request: HttpRequest = {
      method,
      path,
      headers: all,
      body,
      signal: options.signal ?? null,
      timeoutMs: options.timeoutMs ?? this.#options.timeoutMs ?? null,
    };
    const { plugins } = this.#options;
    return plugins === undefined ? request : withPlugins(request, all, plugins);
  }
}

async function withPlugins(
  request: HttpRequest,
  headers: Record<string, string>,
  plugins: NonNullable<ClientOptions['plugins']>,
): Promise<HttpRequest> {
  for (const plugin of plugins) {
    await plugin({ method: request.method, path: request.path, headers });
  }
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value);
  return request;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    checkHeader(name, value);
    result[name.toLowerCase()] = value;
  }
  return result;
}

/** What would be another header, or another request. RFC 9110 section 5. */
function checkHeader(name: string, value: string): void {
  if (!/^[\w!#$%&'*+.^`|~-]+$/u.test(name)) throw new TypeError(`'${name}' is no header name`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that are looked for
  if (/[\0-\x08\n-\x1f\x7f]|[^\0-\xff]/u.test(value)) {
    throw new TypeError(
      `the value of header '${name}' holds a character that a header cannot have`,
    );
  }
}

function json<T>(answer: HttpAnswer): T {
  const text = decoder.decode(answer.body);
  if (text === '') return {} as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new InferenceError('INTERNAL', 'the answer is no JSON', answer.status, cause);
  }
}

/** Triton's `{"error": "…"}`, or the body as it is. */
function errorText(status: number, body: Uint8Array): string {
  const text = decoder.decode(body);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // Not from an inference server, but from something before it.
  }
  return text === '' ? `the server answered with ${status}` : text.slice(0, 1000);
}
