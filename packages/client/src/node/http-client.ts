import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import type { ClientOptions } from '../http/http-client-options.ts';
import { HttpInferenceClient } from '../http/http-inference-client.ts';
import type { HttpTransport } from '../http/http-transport.ts';
import type { Compression } from '../infer-request.ts';
import { endpointOf, type TlsClientOptions } from './endpoint.ts';
import { NodeHttpTransport } from './node-http-transport.ts';

export interface HttpClientOptions extends ClientOptions {
  /** Connections that are opened at most; requests beyond wait for one. Default 16. */
  readonly connectionsMax?: number;
  readonly tls?: TlsClientOptions;
}

const connectionsMaxDefault = 16;

/** Speaks to a server over HTTP, on connections that are kept open. */
export class HttpClient extends HttpInferenceClient {
  /** @param url As `http://localhost:8000` or `localhost:8000`; a path before the API's may follow. */
  constructor(url: string, options: HttpClientOptions = {}) {
    const { endpoint, path } = endpointOf(url, options.tls);
    const connections = new NodeHttpTransport(
      endpoint,
      options.connectionsMax ?? connectionsMaxDefault,
    );
    super(path === '' ? connections : below(connections, path), compress, options);
  }
}

/** For servers behind a proxy that gives them a path. */
function below(transport: HttpTransport, path: string): HttpTransport {
  return {
    send: (request) => transport.send({ ...request, path: path + request.path }),
    open: (request) => transport.open({ ...request, path: path + request.path }),
    close: () => transport.close(),
  };
}

const compressions = { gzip: promisify(gzip), deflate: promisify(deflate) };

async function compress(pieces: readonly Uint8Array[], how: Compression): Promise<Uint8Array> {
  return compressions[how](Buffer.concat(pieces));
}
