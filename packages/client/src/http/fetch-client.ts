import { FetchTransport } from './fetch-transport.ts';
import type { ClientOptions } from './http-client-options.ts';
import { HttpInferenceClient } from './http-inference-client.ts';
import { compressPieces } from './stream-compression.ts';

/** Speaks to a server over HTTP by `fetch`: for browsers, workers and edge runtimes. */
export class HttpClient extends HttpInferenceClient {
  /** @param url As `https://host:8000`; a path before the API's may follow. */
  constructor(url: string, options: ClientOptions = {}) {
    super(new FetchTransport(url.replace(/\/+$/u, '')), compressPieces, options);
  }
}
