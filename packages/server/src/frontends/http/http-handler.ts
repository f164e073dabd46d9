import {
  type BodyPlan,
  type HttpHandler,
  type HttpRequest,
  type HttpResponder,
  plainRefusal,
  type RefusalText,
} from '@nereid/transport';
import { AbsentModelError } from '../../core/absent-model-error.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { planBody } from './body-plan.ts';
import type { ErrorReply, ErrorStyle, HttpCall, HttpContext, RouteMatch } from './http-route.ts';
import { noEndpointReply, refusalReply, sendRouteFailure, wrongMethodReply } from './replies.ts';
import { Router } from './router.ts';
import { isOpenAiPath, openAiStyle } from './routes/openai.ts';
import { routesFor } from './routes.ts';

/** Longer bodies of requests that are refused anyhow are not read: that closes the connection. */
const refusedBodyBytesMax = 64 * 1024;

/** Everything that the HTTP port answers. */
export function createHttpHandler(context: HttpContext): HttpHandler {
  return new HttpFrontend(context);
}

class HttpFrontend implements HttpHandler {
  readonly #context: HttpContext;
  readonly #router: Router;

  constructor(context: HttpContext) {
    this.#context = context;
    this.#router = new Router(routesFor(context.options));
  }

  head(request: HttpRequest): BodyPlan | null {
    const { tracing } = this.#context;
    if (tracing.enabled) request.headNs = tracing.nowNs();
    const match = this.#router.match(request.path);
    const restriction = match === null ? null : this.#restriction(match, request);
    if (restriction !== null && hasLongBody(request)) {
      return { reject: refusalReply(match?.route ?? null, 'restricted', restriction) };
    }
    return planBody(request, match, this.#style(request.path, match), this.#context);
  }

  refusal(request: HttpRequest | null, status: number, text: string): RefusalText {
    const path = request?.path ?? '';
    const style = this.#style(path, this.#router.match(path));
    return style?.errors?.early(status, text) ?? plainRefusal(text);
  }

  handle(request: HttpRequest, responder: HttpResponder): void {
    const match = this.#router.match(request.path);
    if (match === null) {
      const { method, path } = request;
      sendReply(responder, noEndpointReply(this.#style(path, null), method, path));
      return;
    }
    const { route } = match;
    // Before the method is looked at: whoever may not use an endpoint learns nothing of it.
    const restriction = this.#restriction(match, request);
    if (restriction !== null) {
      sendReply(responder, refusalReply(route, 'restricted', restriction));
      return;
    }
    if (!route.methods.includes(request.method)) {
      sendReply(responder, wrongMethodReply(route, request.method, request.path));
      return;
    }
    const call: HttpCall = { context: this.#context, request, responder, match };
    this.#run(call, (failure) => this.#loadAndRun(call, failure));
  }

  /** How errors of a path go out; null for those of Triton's API that no endpoint has. */
  #style(path: string, match: RouteMatch | null): ErrorStyle | null {
    if (match !== null) return match.route;
    const { openAi = null } = this.#context.options;
    return openAi !== null && isOpenAiPath(path) ? openAiStyle : null;
  }

  #run(call: HttpCall, fail: (failure: unknown) => void): void {
    try {
      call.match.route.handle(call)?.catch(fail);
    } catch (failure) {
      fail(failure);
    }
  }

  /** A model that is loaded on demand is waited for, once; every other failure is told. */
  #loadAndRun(call: HttpCall, failure: unknown): void {
    const fail = (final: unknown): void => this.#fail(call.match, call.responder, final);
    if (!(failure instanceof AbsentModelError)) {
      fail(failure);
      return;
    }
    const cancellation = new Cancellation();
    call.request.onAborted(() => cancellation.cancel());
    failure.load(cancellation).then(() => this.#run(call, fail), fail);
  }

  /** What to tell a client that lacks the header of a restricted endpoint; null where it may pass. */
  #restriction({ route }: RouteMatch, request: HttpRequest): string | null {
    const header = this.#context.restrictedApis.missingHeader(route.category, (name) =>
      request.header(name),
    );
    return header === null ? null : `This API is restricted, expecting header '${header}'`;
  }

  #fail(match: RouteMatch, responder: HttpResponder, failure: unknown): void {
    sendRouteFailure(match.route, responder, failure, this.#context.logger);
  }
}

function sendReply(responder: HttpResponder, { status, headers, body }: ErrorReply): void {
  responder.send(status, headers, body);
}

function hasLongBody(request: HttpRequest): boolean {
  const length = Number(request.header('content-length') ?? 0);
  return length > refusedBodyBytesMax || request.header('transfer-encoding') !== null;
}
