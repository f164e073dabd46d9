import type { InferRequestMessage } from '@nereid/protocol';
import type { HeaderField, HttpResponder, HttpStream, ResponseBody } from '@nereid/transport';
import type { Cancellation } from '../../core/cancellation.ts';
import type { OutputMemory } from '../../core/infer-request.ts';
import type { ResponseSink } from '../../core/infer-response.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { FrontEndTrace } from '../../observability/tracing/front-end-trace.ts';
import { TracedSink } from '../../observability/tracing/traced-sink.ts';
import type { HttpCall } from './http-route.ts';

/**
 * The call as it goes on: the same, or one with a trace that ends with its answer. Once for each call of
 * a route that infers, when its model is known.
 */
export function tracedCall(call: HttpCall, model: string = call.match.model): HttpCall {
  const { request, responder } = call;
  const { tracing } = call.context;
  if (!tracing.enabled) return call;
  const traced = tracing.sample(model, (name) => request.header(name));
  if (traced === null) return call;
  const nowNs = tracing.nowNs();
  traced.capture('HTTP_RECV_START', request.headNs || nowNs);
  traced.capture('HTTP_RECV_END', nowNs);
  return { ...call, responder: new TracedResponder(responder, traced), traced };
}

/** `DataPlane.infer` for a call that may be traced. @throws what it throws. */
export function inferTraced(
  { context, traced }: HttpCall,
  model: ServedModel,
  message: InferRequestMessage,
  cancellation: Cancellation,
  reply: ResponseSink,
  outputMemory: OutputMemory | null = null,
): void {
  const sink = traced === undefined ? reply : new TracedSink(reply, traced);
  const trace = traced?.trace ?? null;
  context.dataPlane.infer(model, message, cancellation, sink, trace, outputMemory);
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

  send(
    status: number,
    headers: readonly HeaderField[],
    body: ResponseBody,
    left?: (() => void) | null,
  ): void {
    this.#traced.capture('HTTP_SEND_START');
    try {
      this.#responder.send(status, headers, body, left);
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
