import type { EncodedField } from '@nereid/transport/client';
import type { GrpcCall } from '../grpc/grpc-channel.ts';

/** Names that the protocols give a meaning of their own: what a caller says of them does not count. */
const ownNames: ReadonlySet<string> = new Set([
  'te',
  'host',
  'content-type',
  'content-length',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
]);

/** Calls that differ in nothing have the same list of fields, which is encoded once. */
const rememberedMax = 64;

/** Short secrets could be guessed by what they compress to: RFC 7541 section 7.1. */
const secretNames: ReadonlySet<string> = new Set(['authorization', 'cookie']);
const secretLengthMax = 20;

/** Makes the headers of calls to one server. */
export class GrpcFields {
  readonly #scheme: 'http' | 'https';
  readonly #authority: string;
  readonly #remembered = new Map<string, readonly EncodedField[]>();

  constructor(secure: boolean, authority: string) {
    this.#scheme = secure ? 'https' : 'http';
    this.#authority = authority;
  }

  /** @throws TypeError for metadata that cannot be sent. */
  of(call: GrpcCall): readonly EncodedField[] {
    for (const _name in call.metadata) return this.#build(call);
    const { path, timeoutMs, compression } = call;
    const key =
      timeoutMs === null && compression === null ? path : `${path} ${timeoutMs} ${compression}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
    const fields = this.#build(call);
    this.#remembered.set(key, fields);
    return fields;
  }

  #build({ path, metadata, timeoutMs, compression }: GrpcCall): readonly EncodedField[] {
    const fields: EncodedField[] = [
      [':method', 'POST'],
      [':scheme', this.#scheme],
      [':path', path],
      [':authority', this.#authority],
      ['te', 'trailers'],
      ['content-type', 'application/grpc'],
      ['grpc-accept-encoding', 'identity,gzip,deflate'],
    ];
    if (compression !== null) fields.push(['grpc-encoding', compression]);
    if (timeoutMs !== null) fields.push(['grpc-timeout', timeoutText(timeoutMs)]);
    for (const name in metadata) {
      if (!ownNames.has(name)) fields.push(metadataField(name, metadata[name] as string));
    }
    return fields;
  }
}

/** At most eight digits and a unit, rounded up: the server shall not end before the client. */
function timeoutText(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  if (ms < 1e8) return `${ms}m`;
  return `${Math.min(99_999_999, Math.ceil(ms / 1000))}S`;
}

function metadataField(name: string, value: string): EncodedField {
  if (!/^[0-9a-z_.-]+$/u.test(name)) {
    throw new TypeError(`'${name}' is no name of a header: use letters, digits, '-', '_' and '.'`);
  }
  if (typeof value !== 'string' || !/^[ -~]*$/u.test(value)) {
    throw new TypeError(`header '${name}': its value may hold printable ASCII only`);
  }
  return [name, value.trim(), secretNames.has(name) && value.length < secretLengthMax];
}
