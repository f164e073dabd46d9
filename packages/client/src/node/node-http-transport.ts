import type {
  HttpAnswer,
  HttpRequest,
  HttpStreamAnswer,
  HttpTransport,
} from '../http/http-transport.ts';
import { abortedError, InferenceError, timeoutError } from '../inference-error.ts';
import { type ConnectionOwner, HttpConnection, type HttpEndpoint } from './http-connection.ts';
import type { HttpExchange, ResponseSink } from './http-exchange.ts';
import { StreamedAnswer } from './streamed-answer.ts';
import { WholeAnswer } from './whole-answer.ts';

/** An exchange that may wait for a connection. */
interface Pending extends HttpExchange {
  connection: HttpConnection | null;
}

/** Sends over connections of its own that are kept open. Requests beyond their number wait in order. */
export class NodeHttpTransport implements HttpTransport, ConnectionOwner {
  readonly #endpoint: HttpEndpoint;
  readonly #connectionsMax: number;
  readonly #all = new Set<HttpConnection>();
  /** The one used last comes first: the others may time out. */
  readonly #idle: HttpConnection[] = [];
  readonly #waiting = new Set<Pending>();
  #closed = false;

  constructor(endpoint: HttpEndpoint, connectionsMax: number) {
    this.#endpoint = endpoint;
    this.#connectionsMax = connectionsMax;
  }

  send(request: HttpRequest): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#start(request, (limit) => new WholeAnswer(limit.ended(resolve), limit.ended(reject)));
    });
  }

  open(request: HttpRequest): Promise<HttpStreamAnswer> {
    return new Promise((resolve, reject) => {
      this.#start(request, (limit, pending) => {
        const cancel = (): void => {
          limit.end();
          pending()?.abandon(new InferenceError('CANCELLED', 'the answer was given up', null));
        };
        const opened = (answer: HttpStreamAnswer): void => {
          limit.stopClock();
          resolve(answer);
        };
        return new StreamedAnswer(opened, limit.ended(reject), {
          resume: () => pending()?.resume(),
          cancel,
          done: () => limit.end(),
        });
      });
    });
  }

  close(): void {
    this.#closed = true;
    const error = new InferenceError('CANCELLED', 'the client was closed', null);
    for (const { sink } of this.#waiting) sink.fail(error);
    this.#waiting.clear();
    for (const connection of this.#all) connection.abandon(error);
  }

  idle(connection: HttpConnection): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.#sendOn(connection, next);
      return;
    }
    this.#idle.push(connection);
  }

  closed(connection: HttpConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.#sendOn(this.#connect(), next);
      return;
    }
  }

  #start(
    request: HttpRequest,
    sinkOf: (limit: RequestLimit, connection: () => HttpConnection | null) => ResponseSink,
  ): void {
    const limit = new RequestLimit(request, (error) => this.#giveUp(pending, error));
    const sink = sinkOf(limit, () => pending.connection);
    const pending: Pending = { request, sink, connection: null };
    if (this.#closed) sink.fail(new InferenceError('CANCELLED', 'the client was closed', null));
    else if (request.signal?.aborted === true) sink.fail(abortedError(request.signal));
    else {
      limit.begin();
      this.#dispatch(pending);
    }
  }

  #dispatch(pending: Pending): void {
    const free = this.#idle.pop();
    if (free !== undefined) this.#sendOn(free, pending);
    else if (this.#all.size < this.#connectionsMax) this.#sendOn(this.#connect(), pending);
    else this.#waiting.add(pending);
  }

  #connect(): HttpConnection {
    const connection = new HttpConnection(this.#endpoint, this);
    this.#all.add(connection);
    return connection;
  }

  #sendOn(connection: HttpConnection, pending: Pending): void {
    pending.connection = connection;
    connection.send(pending);
  }

  #giveUp(pending: Pending, error: InferenceError): void {
    if (this.#waiting.delete(pending)) pending.sink.fail(error);
    else pending.connection?.abandon(error);
  }
}

/** What may end a request before its answer: the caller's signal and the clock. */
class RequestLimit {
  readonly #request: HttpRequest;
  readonly #giveUp: (error: InferenceError) => void;
  #timer: NodeJS.Timeout | null = null;
  #aborted: (() => void) | null = null;

  constructor(request: HttpRequest, giveUp: (error: InferenceError) => void) {
    this.#request = request;
    this.#giveUp = giveUp;
  }

  begin(): void {
    const { signal, timeoutMs } = this.#request;
    if (timeoutMs !== null) {
      this.#timer = setTimeout(() => this.#giveUp(timeoutError(timeoutMs)), timeoutMs);
    }
    if (signal === null) return;
    this.#aborted = () => this.#giveUp(abortedError(signal));
    signal.addEventListener('abort', this.#aborted);
  }

  stopClock(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  end(): void {
    this.stopClock();
    if (this.#aborted !== null) this.#request.signal?.removeEventListener('abort', this.#aborted);
    this.#aborted = null;
  }

  /** Calls on, with the limit lifted. */
  ended<T>(then: (value: T) => void): (value: T) => void {
    return (value) => {
      this.end();
      then(value);
    };
  }
}
