import {
  type BodyPlan,
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponder,
  type HttpStream,
  type RefusalText,
  type ResponseBody,
  wordedRefusal,
} from './http-handler.ts';

/** Which pages of other origins may read answers in a browser. */
export interface CorsPolicy {
  /** As browsers send them, `https://example.com:8443`; `*` stands for any. */
  readonly origins: ReadonlySet<string>;
}

/** How long a browser may remember what it was allowed; none remembers longer. */
const preflightSecsMax = 7200;

/**
 * Tells browsers which pages may use what another handler answers (WHATWG Fetch, section 3.2), and
 * answers the requests by which they ask beforehand. Credentials that a browser adds by itself, such as
 * cookies, are never allowed.
 */
export class CorsHandler implements HttpHandler {
  readonly #next: HttpHandler;
  readonly #origins: ReadonlySet<string>;

  constructor(policy: CorsPolicy, next: HttpHandler) {
    this.#next = next;
    this.#origins = policy.origins;
  }

  head(request: HttpRequest): BodyPlan | null {
    const fields = this.#fields(request);
    if (fields === null) return this.#next.head?.(request) ?? null;
    if (isPreflight(request)) return null;
    const plan = this.#next.head?.(request) ?? null;
    if (plan?.reject === undefined) return plan;
    const { reject } = plan;
    return { ...plan, reject: { ...reject, headers: [...reject.headers, ...fields] } };
  }

  handle(request: HttpRequest, responder: HttpResponder): void {
    const fields = this.#fields(request);
    if (fields === null) this.#next.handle(request, responder);
    else if (isPreflight(request)) responder.send(204, preflightFields(request, fields), null);
    else this.#next.handle(request, new CorsResponder(responder, fields));
  }

  refusal(request: HttpRequest | null, status: number, text: string): RefusalText {
    const refusal = wordedRefusal(this.#next, request, status, text);
    const fields = request === null ? this.#fieldsForAll() : this.#fields(request);
    return fields === null ? refusal : { ...refusal, headers: [...refusal.headers, ...fields] };
  }

  /** What can be said before anything is known of the page. */
  #fieldsForAll(): readonly HeaderField[] | null {
    return this.#origins.has('*') ? anyOriginFields : null;
  }

  /** What the answer says of the page that asks; null where it says nothing. */
  #fields(request: HttpRequest): readonly HeaderField[] | null {
    const origin = request.header('origin');
    if (origin === null) return null;
    if (this.#origins.has('*')) return anyOriginFields;
    if (!this.#origins.has(origin)) return null;
    return [['Access-Control-Allow-Origin', origin], ['Vary', 'Origin'], exposedField];
  }
}

/** Everything that an answer has, such as the length of an inference's header. */
const exposedField: HeaderField = ['Access-Control-Expose-Headers', '*'];
const anyOriginFields: readonly HeaderField[] = [
  ['Access-Control-Allow-Origin', '*'],
  exposedField,
];

function isPreflight(request: HttpRequest): boolean {
  return request.method === 'OPTIONS' && request.header('access-control-request-method') !== null;
}

function preflightFields(request: HttpRequest, fields: readonly HeaderField[]): HeaderField[] {
  const wanted = request.header('access-control-request-headers');
  return [
    ...fields,
    ['Access-Control-Allow-Methods', 'GET, POST'],
    // By name: a star would leave out Authorization.
    ...(wanted === null ? [] : [['Access-Control-Allow-Headers', wanted] as const]),
    ['Access-Control-Max-Age', String(preflightSecsMax)],
  ];
}

/** Adds header fields to whatever is answered. */
class CorsResponder implements HttpResponder {
  readonly #responder: HttpResponder;
  readonly #fields: readonly HeaderField[];

  constructor(responder: HttpResponder, fields: readonly HeaderField[]) {
    this.#responder = responder;
    this.#fields = fields;
  }

  get sent(): boolean {
    return this.#responder.sent;
  }

  send(status: number, headers: readonly HeaderField[], body: ResponseBody): void {
    this.#responder.send(status, [...headers, ...this.#fields], body);
  }

  stream(status: number, headers: readonly HeaderField[]): HttpStream {
    return this.#responder.stream(status, [...headers, ...this.#fields]);
  }
}
