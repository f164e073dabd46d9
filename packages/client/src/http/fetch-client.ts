import type { Compression } from '../infer-request.ts';
import { FetchTransport } from './fetch-transport.ts';
import type { ClientOptions } from './http-client-options.ts';
import { HttpInferenceClient } from './http-inference-client.ts';

/** Speaks to a server over HTTP by `fetch`: for browsers, workers and edge runtimes. */
export class HttpClient extends HttpInferenceClient {
  /** @param url As `https://host:8000`; a path before the API's may follow. */
  constructor(url: string, options: ClientOptions = {}) {
    super(new FetchTransport(url.replace(/\/+$/u, '')), compress, options);
  }
}

async function compress(pieces: readonly Uint8Array[], how: Compression): Promise<Uint8Array> {
  const body = new Blob(pieces as Uint8Array<ArrayBuffer>[]);
  const stream = body.stream().pipeThrough(new CompressionStream(how));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
