import { Http1Request } from './http1/http1-request.ts';
import { RequestHead } from './http1/request-head.ts';

interface InjectedHead {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const localPeer = { remoteAddress: '127.0.0.1' };

/** A request as it would have come over a connection. */
export class InjectedHttpRequest extends Http1Request {
  constructor(injected: InjectedHead, bodyLength: number) {
    super(headOf(injected, bodyLength), injected.path, localPeer);
  }
}

function headOf(injected: InjectedHead, bodyLength: number): RequestHead {
  const headers = Object.entries(injected.headers ?? {});
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  if (!names.has('host')) headers.push(['host', 'localhost']);
  if (bodyLength > 0 && !names.has('content-length')) {
    headers.push(['content-length', String(bodyLength)]);
  }
  const head = new RequestHead(Buffer.from(headers.flat().join(''), 'latin1'));
  head.method = injected.method;
  let at = 0;
  for (const [name, value] of headers) {
    const valueStart = at + name.length;
    head.fields.push(at, valueStart, valueStart, valueStart + value.length);
    at = valueStart + value.length;
  }
  return head;
}
