import { DownloadError } from './remote-file.ts';

const redirectsMax = 10;
const retryAfterMsMax = 300_000;
const listBytesMax = 67_108_864;

/** How long nothing may come before a source counts as gone. */
const idleMsDefault = 60_000;

/** What a source wants to know of who asks. */
export interface HttpAccess {
  /** Headers of a request, such as its signature; made anew for each. */
  headers(url: URL, range: string | null): Promise<Readonly<Record<string, string>>>;
  /** What to do when the source refuses. */
  readonly hint: string;
}

export const anonymous: HttpAccess = {
  headers: async () => ({}),
  hint: 'the address wants credentials: put them into it, as https://USER:PASSWORD@HOST/…',
};

/** An answer of 200, 206 or 416, after redirects. */
export interface HttpFetched {
  readonly status: number;
  readonly headers: Headers;
  /** Headers of the answer that redirected first, when one did: some sources say there what the file is. */
  readonly firstHeaders: Headers;
  /** To be read to its end, or given back by `return`. Fails when nothing comes for `idleMs`. */
  readonly bytes: AsyncIterableIterator<Uint8Array> & { return(): Promise<unknown> };
}

/**
 * Asks for a URL. Credentials do not follow a redirect to another host, and nothing leads from https to http.
 * @throws DownloadError
 */
export async function fetchBytes(
  address: string | URL,
  access: HttpAccess,
  signal: AbortSignal,
  range: string | null = null,
  idleMs: number = idleMsDefault,
): Promise<HttpFetched> {
  const start = new URL(typeof address === 'string' ? address : address.href);
  let url = start;
  let firstHeaders: Headers | null = null;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const own = url.origin === start.origin;
    const headers = {
      ...(range === null ? {} : { range }),
      // What is compressed on the way cannot be resumed, and has another length.
      'accept-encoding': 'identity',
      ...(own ? await access.headers(url, range) : {}),
    };
    const idle = new IdleTimer(idleMs, signal);
    const response = await send(url, headers, idle);
    firstHeaders ??= response.headers;
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) {
      if (![200, 206, 416].includes(response.status)) {
        idle.stop();
        throw await refusal(response, url, access.hint);
      }
      const bytes = new Body(response, url, idle);
      return { status: response.status, headers: response.headers, firstHeaders, bytes };
    }
    idle.stop();
    await discard(response);
    url = redirected(url, location);
  }
  throw new DownloadError(`${shown(start)} redirects more than ${redirectsMax} times`, {
    isTemporary: false,
  });
}

/** The text of a listing. @throws DownloadError */
export async function fetchText(
  url: string | URL,
  access: HttpAccess,
  signal: AbortSignal,
): Promise<{ text: string; headers: Headers }> {
  const { bytes, headers, status } = await fetchBytes(url, access, signal);
  if (status !== 200) {
    await bytes.return();
    throw new DownloadError(`${shown(url)} answered ${status}`, { isTemporary: false });
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    length += piece.byteLength;
    if (length > listBytesMax) {
      throw new DownloadError(`${shown(url)} lists more than ${listBytesMax} bytes`, {
        isTemporary: false,
      });
    }
    pieces.push(piece);
  }
  return { text: Buffer.concat(pieces).toString(), headers };
}

/** The same of a listing in JSON. @throws DownloadError */
export async function fetchJson(
  url: string | URL,
  access: HttpAccess,
  signal: AbortSignal,
): Promise<{ value: unknown; headers: Headers }> {
  const { text, headers } = await fetchText(url, access, signal);
  try {
    return { value: JSON.parse(text), headers };
  } catch (error) {
    // Such as the page of a network that wants to be logged in to.
    throw new DownloadError(`${shown(url)} answered with what is no JSON`, {
      isTemporary: false,
      cause: error,
    });
  }
}

/** A URL for messages: without credentials, and without signatures in its query. */
export function shown(url: string | URL): string {
  const { origin, protocol, pathname } = new URL(typeof url === 'string' ? url : url.href);
  return `${origin === 'null' ? `${protocol}//` : origin}${pathname}`;
}

function redirected(from: URL, location: string): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from.href) : null;
  if (target === null || !/^https?:$/u.test(target.protocol)) {
    throw new DownloadError(`${shown(from)} redirects to what is no address of the web`, {
      isTemporary: false,
    });
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw new DownloadError(
      `${shown(from)} redirects from https to http, where anybody could change the file`,
      {
        isTemporary: false,
      },
    );
  }
  return target;
}

async function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  idle: IdleTimer,
): Promise<Response> {
  const { username, password } = url;
  const plain = new URL(url.href);
  plain.username = '';
  plain.password = '';
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const authorization =
    username === '' ? {} : { authorization: `Basic ${basic.toString('base64')}` };
  try {
    return await fetch(plain.href, {
      headers: { ...authorization, ...headers },
      redirect: 'manual',
      signal: idle.signal,
    });
  } catch (error) {
    idle.stop();
    throw lost(error, url, idle);
  }
}

/** A body's pieces. No generator: one that nobody began to read would not hear of its `return`. */
class Body implements AsyncIterableIterator<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #url: URL;
  readonly #idle: IdleTimer;

  constructor(response: Response, url: URL, idle: IdleTimer) {
    this.#reader = response.body?.getReader() ?? null;
    this.#url = url;
    this.#idle = idle;
    if (this.#reader === null) idle.stop();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#reader === null) return { done: true, value: undefined };
    try {
      const { done, value } = await this.#reader.read();
      if (done) return await this.return();
      this.#idle.restart();
      return { done: false, value };
    } catch (error) {
      await this.return();
      throw lost(error, this.#url, this.#idle);
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#idle.stop();
    await this.#reader?.cancel().catch(() => {});
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/** Ends a request when nothing comes for a while, or when the user interrupts. */
class IdleTimer {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly idleMs: number;
  expired = false;

  constructor(idleMs: number, outer: AbortSignal) {
    this.idleMs = idleMs;
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.expired = true;
      this.#controller.abort();
    }, idleMs);
    if (outer.aborted) this.#abort();
    else outer.addEventListener('abort', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.#controller.abort(this.#outer.reason);
}

/** Failures that come again however often one asks. */
const lasting = /^(CERT_|ERR_TLS|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_SSL|ERR_INVALID|HPE_)/u;

function lost(error: unknown, url: URL, idle: IdleTimer): DownloadError {
  if (idle.expired) {
    return new DownloadError(`${shown(url)}: nothing came for ${idle.idleMs / 1000} s`, {
      isTemporary: true,
    });
  }
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = message === '' || message === undefined ? (code ?? 'connection lost') : message;
  return new DownloadError(`${shown(url)}: ${reason}`, {
    isTemporary: code === undefined || !lasting.test(code),
    cause: error,
  });
}

const temporaryStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

async function refusal(response: Response, url: URL, hint: string): Promise<DownloadError> {
  const { status, statusText } = response;
  await discard(response);
  const said = `${shown(url)} answered ${status}${statusText === '' ? '' : ` ${statusText}`}`;
  const message =
    status === 401 || status === 403
      ? `${said}: ${hint}`
      : status === 404 || status === 410
        ? `${said}: there is no such file`
        : said;
  return new DownloadError(message, {
    isTemporary: temporaryStatuses.has(status),
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  });
}

/** Seconds or a date. RFC 9110 section 10.2.3. */
function retryAfterMs(value: string | null): number | null {
  if (value === null) return null;
  const ms = /^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), retryAfterMsMax);
}
