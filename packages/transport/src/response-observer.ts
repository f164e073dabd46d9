/** Told of every answer with its status, when it is given. Called on the way of each: it must be quick. */
export interface ResponseObserver {
  /** @param status of HTTP; also of what is refused before a handler sees it. */
  http(status: number): void;
  /** @param status of `GrpcStatus`; a call that its client gives up has none. */
  grpc(status: number): void;
}

/** Looks away. */
export const noObserver: ResponseObserver = { http() {}, grpc() {} };
