import { GrpcInferenceClient } from '../grpc/grpc-inference-client.ts';
import type { ClientOptions } from '../http/http-client-options.ts';
import { GrpcWebChannel } from './grpc-web-channel.ts';

/**
 * Speaks to a server over gRPC-Web, by `fetch`: for browsers, workers, edge runtimes and Node. Nereid
 * answers it on its HTTP port; Triton needs a proxy before it, such as Envoy.
 */
export class GrpcWebClient extends GrpcInferenceClient {
  /** @param url As `https://host:8000`; a path before the service's may follow. */
  constructor(url: string, options: ClientOptions = {}) {
    super(new GrpcWebChannel(url.replace(/\/+$/u, '')), options);
  }
}
