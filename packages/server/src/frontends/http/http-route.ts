import type { TritonError } from '@nereid/protocol';
import type { HeaderField, HttpRequest, HttpResponder } from '@nereid/transport';
import type { ControlPlane } from '../../control-plane/control-plane.ts';
import type { LogControl } from '../../control-plane/log-control.ts';
import type { RestrictedApis } from '../../control-plane/restricted-apis.ts';
import type { TraceControl } from '../../control-plane/trace-control.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { DataPlane } from '../../data-plane/data-plane.ts';
import type { HeaderForwarding } from '../../data-plane/header-forwarding.ts';
import type { SharedMemoryRegistry } from '../../memory/shared-memory-registry.ts';
import type { MetricsFormat } from '../../observability/metrics-format.ts';
import type { FrontEndTrace } from '../../observability/tracing/front-end-trace.ts';
import type { TraceManager } from '../../observability/tracing/trace-manager.ts';
import type { ApiCategory } from '../../options/setting-format.ts';

export interface HttpFrontendOptions {
  /** `--http-max-input-size`, bytes: limits JSON, a raw binary input and what a compressed body inflates to. */
  readonly maxInputBytes: number;
  /** Null or left out without the endpoints of OpenAI's API. */
  readonly openAi?: OpenAiOptions | null;
}

/** The endpoints of OpenAI's API. */
export interface OpenAiOptions {
  /** How many tokens are generated where a request does not say. */
  readonly defaultMaxTokens: number;
}

/** What the routes work with, the same for every request. */
export interface HttpContext {
  readonly dataPlane: DataPlane;
  readonly controlPlane: Pick<ControlPlane, keyof ControlPlane>;
  /** The server's metrics. */
  readonly metricsText: (format: MetricsFormat) => string;
  /** Null without `--http-header-forward-pattern`. */
  readonly headerForwarding: HeaderForwarding | null;
  readonly restrictedApis: RestrictedApis;
  readonly logControl: LogControl;
  readonly traceControl: TraceControl;
  readonly tracing: TraceManager;
  readonly sharedMemory: SharedMemoryRegistry;
  readonly options: HttpFrontendOptions;
  /** For dates alone. */
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly logger: Logger;
}

/** What a path asks for. The texts are as they stand in the path: percent-encoding is not undone, as in Triton. */
export interface RouteMatch {
  readonly route: HttpRoute;
  /** '' where the pattern has none, or the path leaves it out; the same goes for the others. */
  readonly model: string;
  /** Decimal digits. */
  readonly version: string;
  readonly repository: string;
  readonly region: string;
}

/** One request on its way through a route. */
export interface HttpCall {
  readonly context: HttpContext;
  readonly request: HttpRequest;
  readonly responder: HttpResponder;
  readonly match: RouteMatch;
  /** Where the call is traced: `tracedCall`. */
  readonly traced?: FrontEndTrace;
}

/** Content types that Triton's answers have; an answer that it sets none for goes out as text/plain. */
export type ReplyContentType = 'application/json' | 'text/plain';

/** Why a request is refused before its route sees it. */
export type Refusal = 'restricted' | 'length';

/** An error as it goes out. */
export interface ErrorReply {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: string;
}

/** How an API words errors that is not Triton's. */
export interface ErrorReplies {
  /** @param text As Triton's endpoints say it. */
  refusal(refusal: Refusal, text: string): ErrorReply;
  /** @param methods Those that the endpoint has. */
  wrongMethod(method: string, path: string, methods: readonly string[]): ErrorReply;
  /** No endpoint has this path. */
  noEndpoint(method: string, path: string): ErrorReply;
  /** The transport has answered before any endpoint was asked. @param text As it says it by itself. */
  early(status: number, text: string): ErrorReply;
  failure(error: TritonError): ErrorReply;
}

/** How errors of an endpoint go out, or of a path that has none. */
export type ErrorStyle = Pick<HttpRoute, 'contentType' | 'errors'>;

/** One endpoint: what it listens to, what it means and how it answers. */
export interface HttpRoute {
  readonly methods: readonly string[];
  /** `{name}` stands for one segment, `[...]` may be left out. */
  readonly path: string;
  /** For the reference: one line. */
  readonly meaning: string;
  /** Whose endpoint it is: Triton's, or one that only we have. */
  readonly origin: 'triton' | 'nereid';
  /** What it belongs to for `--http-restricted-api`. */
  readonly category: ApiCategory;
  /** Of errors, also of 405. JSON texts under text/plain are a habit of Triton's that clients may rely on. */
  readonly contentType: ReplyContentType;
  /** Left out by Triton's own endpoints. */
  readonly errors?: ErrorReplies;
  /** Answers on `call.responder`. What it throws or rejects with is answered for it. */
  handle(call: HttpCall): Promise<void> | void;
}
