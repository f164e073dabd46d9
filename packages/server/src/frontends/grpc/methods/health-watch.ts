import { decodeMessage, encodeMessage, TritonError } from '@nereid/protocol';
import type { GrpcCall, GrpcStream, GrpcStreamReader } from '@nereid/transport';
import type { Timer } from '../../../core/clock.ts';
import type { GrpcContext } from '../grpc-context.ts';
import { failCall } from '../grpc-failure.ts';
import type { GrpcRpc } from '../grpc-rpc.ts';

/** Readiness is looked at so often, for each client that watches. */
const lookIntervalMs = 500;

/** gRPC's own health watch: the status now, and again whenever it changes. Triton has no such method. */
export const healthWatchRpc: GrpcRpc = {
  name: 'grpc.health.v1.Health/Watch',
  category: 'health',
  request: null,
  method: (context) => ({
    kind: 'stream',
    open: (call, stream) => new HealthWatch(call, stream, context),
  }),
};

class HealthWatch implements GrpcStreamReader {
  readonly #stream: GrpcStream;
  readonly #context: GrpcContext;
  #timer: Timer | null = null;
  #status = '';
  #ended = false;

  constructor(call: GrpcCall, stream: GrpcStream, context: GrpcContext) {
    this.#stream = stream;
    this.#context = context;
    call.onCancelled(() => this.#end());
  }

  /** The request: one service, which does not matter. */
  onMessage(message: Uint8Array): void {
    if (this.#ended || this.#status !== '') return;
    try {
      decodeMessage('grpc.health.v1.HealthCheckRequest', message);
      this.#look();
    } catch (failure) {
      this.#end();
      failCall(this.#stream, failure, this.#context.logger);
    }
  }

  onHalfClose(): void {
    if (this.#status !== '' || this.#ended) return;
    this.#end();
    failCall(
      this.#stream,
      new TritonError('INTERNAL', 'No request was sent'),
      this.#context.logger,
    );
  }

  #look(): void {
    try {
      const ready = this.#context.controlPlane.isReady();
      if (ready instanceof Promise) void ready.then((known) => this.#say(known, false));
      else this.#say(ready, false);
    } catch {
      this.#say(false, true);
    }
  }

  #say(ready: boolean, exiting: boolean): void {
    if (this.#ended) return;
    const status = ready ? 'SERVING' : 'NOT_SERVING';
    if (status !== this.#status) {
      this.#status = status;
      this.#stream.write([encodeMessage('grpc.health.v1.HealthCheckResponse', { status })]);
    }
    if (exiting) {
      this.#end();
      this.#stream.end();
      return;
    }
    this.#timer = this.#context.clock.setTimer(lookIntervalMs, () => this.#look());
  }

  #end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }
}
