import { type HeaderList, headerValue } from '../hpack/header-list.ts';
import { parseGrpcTimeout } from './grpc-timeout.ts';
import type { MessageEncoding } from './message-coding.ts';

/** What the header of a call says. One object stands for all calls with the same header. */
export interface GrpcHead {
  readonly path: string;
  readonly fields: HeaderList;
  readonly timeoutNs: number | null;
  /** How the client's messages may be compressed; null where they may not. */
  readonly encoding: MessageEncoding | null;
  /** What it calls an encoding that nobody knows, or null. */
  readonly unknownEncoding: string | null;
  /** An encoding that the client takes, or null. */
  readonly accepted: MessageEncoding | null;
}

/** Of a request's header, what matters here. */
export interface RequestFields {
  readonly path: string;
  readonly fields: HeaderList;
}

const known = new WeakMap<RequestFields, GrpcHead>();

/** Whether this content type is gRPC's own: `application/grpc`, perhaps with `+proto` or parameters. */
export function isGrpcContentType(contentType: string): boolean {
  if (!contentType.startsWith('application/grpc')) return false;
  const next = contentType.charCodeAt(16);
  return contentType.length === 16 || next === 0x2b || next === 0x3b || next === 0x20;
}

export function readGrpcHead(head: RequestFields): GrpcHead {
  const before = known.get(head);
  if (before !== undefined) return before;
  const { fields, path } = head;
  const timeout = headerValue(fields, 'grpc-timeout');
  const encoding = headerValue(fields, 'grpc-encoding') ?? 'identity';
  const supported = encoding === 'gzip' || encoding === 'deflate';
  const grpcHead: GrpcHead = {
    path,
    fields,
    timeoutNs: timeout === null ? null : parseGrpcTimeout(timeout),
    encoding: supported ? encoding : null,
    unknownEncoding: supported || encoding === 'identity' ? null : encoding,
    accepted: firstSupported(headerValue(fields, 'grpc-accept-encoding')),
  };
  known.set(head, grpcHead);
  return grpcHead;
}

function firstSupported(accepted: string | null): MessageEncoding | null {
  for (const name of accepted?.split(',') ?? []) {
    const encoding = name.trim();
    if (encoding === 'gzip' || encoding === 'deflate') return encoding;
  }
  return null;
}
