import { GrpcInferenceClient } from '../grpc/grpc-inference-client.ts';
import type { InferStream } from '../grpc/infer-stream.ts';
import type { ClientOptions } from '../http/http-client-options.ts';
import type { InferOptions } from '../infer-request.ts';
import { endpointOf, type TlsClientOptions } from './endpoint.ts';
import { Http2Channel } from './http2-channel.ts';

export interface GrpcClientOptions extends ClientOptions {
  readonly tls?: TlsClientOptions;
}

/** Speaks to a server over gRPC, all calls on one connection. */
export class GrpcClient extends GrpcInferenceClient {
  /** @param url As `localhost:8001` or `grpcs://host:8001`. */
  constructor(url: string, options: GrpcClientOptions = {}) {
    const target = /^[a-z]+:\/\//iu.test(url) ? url : `grpc://${url}`;
    super(new Http2Channel(endpointOf(target, options.tls).endpoint), options);
  }

  /** A stream for any number of requests, such as those of a sequence. */
  openStream(options: InferOptions = {}): Promise<InferStream> {
    return this.startStream(options);
  }
}
