import type { BodyPlan, HttpHandler, HttpRequest, HttpResponder } from '@nereid/transport';
import { planBody } from './body-plan.ts';
import type { HttpContext, RouteMatch } from './http-route.ts';
import { sendErrorText, sendFailure } from './replies.ts';
import { Router } from './router.ts';
import { httpRoutes } from './routes.ts';

/** Everything that the HTTP port answers. */
export function createHttpHandler(context: HttpContext): HttpHandler {
  return new HttpFrontend(context);
}

class HttpFrontend implements HttpHandler {
  readonly #context: HttpContext;
  readonly #router = new Router(httpRoutes);

  constructor(context: HttpContext) {
    this.#context = context;
  }

  head(request: HttpRequest): BodyPlan | null {
    return planBody(request, this.#router.match(request.path), this.#context);
  }

  handle(request: HttpRequest, responder: HttpResponder): void {
    const match = this.#router.match(request.path);
    if (match === null) {
      sendErrorText(responder, 404, 'Not Found', 'text/plain');
      return;
    }
    const { route } = match;
    if (!route.methods.includes(request.method)) {
      sendErrorText(responder, 405, 'Method Not Allowed', route.contentType);
      return;
    }
    try {
      const pending = route.handle({ context: this.#context, request, responder, match });
      pending?.catch((failure: unknown) => this.#fail(match, responder, failure));
    } catch (failure) {
      this.#fail(match, responder, failure);
    }
  }

  #fail(match: RouteMatch, responder: HttpResponder, failure: unknown): void {
    sendFailure(responder, failure, match.route.contentType, this.#context.logger);
  }
}
