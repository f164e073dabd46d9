import type { HeaderField, HttpResponder, HttpStream, ResponseBody } from '@nereid/transport';
import type { FrontEndTrace } from '../../observability/tracing/front-end-trace.ts';
import type { HttpCall } from './http-route.ts';

/**
 * The call as it goes on: the same, or one with a trace that ends with its answer. Once for each call of
 * a route that infers, when its model is known.
 */
export function tracedCall(call: HttpCall): HttpCall {
  const { request, responder, match } = call;
  const { tracing } = call.context;
  if (!tracing.enabled) return call;
  const traced = tracing.sample(match.model, (name) => request.header(name));
  if (traced === null) return call;
  const nowNs = tracing.nowNs();
  traced.capture('HTTP_RECV_START', request.headNs || nowNs);
  traced.capture('HTTP_RECV_END', nowNs);
  return { ...call, responder: new TracedResponder(responder, traced), traced };
}

/** Notes when the answer of a traced request is sent, and closes its trace. */
class TracedResponder implements HttpResponder {
  readonly #responder: HttpResponder;
  readonly #traced: FrontEndTrace;

  constructor(responder: HttpResponder, traced: FrontEndTrace) {
    this.#responder = responder;
    this.#traced = traced;
  }

  get sent(): boolean {
    return this.#responder.sent;
  }

  send(status: number, headers: readonly HeaderField[], body: ResponseBody): void {
    this.#traced.capture('HTTP_SEND_START');
    try {
      this.#responder.send(status, headers, body);
    } finally {
      this.#end();
    }
  }

  stream(status: number, headers: readonly HeaderField[]): HttpStream {
    this.#traced.capture('HTTP_SEND_START');
    const stream = this.#responder.stream(status, headers);
    return {
      write: (chunk) => stream.write(chunk),
      drained: () => stream.drained(),
      end: () => {
        stream.end();
        this.#end();
      },
      abort: () => {
        stream.abort();
        this.#end();
      },
    };
  }

  #end(): void {
    this.#traced.capture('HTTP_SEND_END');
    this.#traced.close();
  }
}
