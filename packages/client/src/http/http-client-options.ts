/** Adds what a server wants to see of each request, such as a token that is renewed. */
export type RequestPlugin = (request: {
  readonly method: string;
  readonly path: string;
  /** To be changed; names in lower case. */
  readonly headers: Record<string, string>;
}) => void | Promise<void>;

/** What holds for all requests of a client. */
export interface ClientOptions {
  /** Headers of every request, or metadata over gRPC. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long to wait for an answer. Default: any time. */
  readonly timeoutMs?: number;
  /** Called for each request in turn; what one throws ends the request. */
  readonly plugins?: readonly RequestPlugin[];
}
